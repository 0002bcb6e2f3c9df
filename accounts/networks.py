"""Addresses as callers: one household or server is one, however many it has."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

# IPv6: a household or a server gets a /64, so it counts as one caller.
ADDRESS_PREFIX = {4: 32, 6: 64}
SUBNET_PREFIX = {4: 24, 6: 64}


def address_of(ip: str) -> str:
    """Return the caller's own network."""
    return _network(ip, ADDRESS_PREFIX)


def subnet_of(ip: str) -> str:
    """Return the network around the caller."""
    return _network(ip, SUBNET_PREFIX)


def _network(ip: str, prefixes: Mapping[int, int]) -> str:
    address = ipaddress.ip_address(ip)
    prefix = prefixes[address.version]
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))

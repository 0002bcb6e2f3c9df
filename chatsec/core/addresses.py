"""Addresses of other machines: what a name means, which are of the open Internet."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from typing import Any

Address = tuple[socket.AddressFamily, tuple[Any, ...]]

# `is_global` knows the registries of its Python's day; these are named for all days,
# and the ranges that carry an IPv4 address inside an IPv6 one are refused whole.
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
# All of the Internet that is spoken of in IPv6; ::/96, NAT64, SRv6 and the rest of the
# registry of special purposes lie outside.
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")


def is_public(text: str) -> bool:
    """Whether an address belongs to the open Internet and to nothing else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and address not in _PUBLIC_IPV6:
        return False
    special = address.is_multicast or address.is_reserved or not address.is_global
    return not special and not any(address in network for network in _NEVER)


def resolve(host: str, port: int, *, wait_seconds: float) -> list[Address]:
    """Return the addresses of `host`, asked for once; none where there is no answer.

    The system's resolver knows no deadline, so it works in a thread of its own.
    """
    answers: queue.SimpleQueue[list[Address]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            answers.put([])
        else:
            answers.put([(family, where) for family, _, _, _, where in found])

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        return answers.get(timeout=wait_seconds)
    except queue.Empty:
        return []

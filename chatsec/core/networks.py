"""Networks that are allowed in: read from settings and keys, compared to addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from chatsec.core import context
from chatsec.core.errors import Invalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SURROUNDINGS = {4: 24, 6: 48}
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def parse_network(text: str) -> Network:
    """Return the network, or the single address as one; raise Invalid.

    IPv4 written as IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 network that it means.
    """
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise Invalid(
            f"“{text[:50]}” is not a network.", code="not_a_network"
        ) from error
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        first = network.network_address.ipv4_mapped
        return ipaddress.ip_network((str(first), network.prefixlen - MAPPED.prefixlen))
    return network


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks, each once, in the order given."""
    return tuple(dict.fromkeys(parse_network(text) for text in texts))


def is_within(address: str | None, networks: Iterable[Network]) -> bool:
    """Whether the address is in one of the networks; what is no address is in none."""
    found = _plain(address)
    return found is not None and any(
        found.version == network.version and found in network for network in networks
    )


def surroundings_of(address: str | None) -> str:
    """Return the network around an address: its /24, of IPv6 its /48; else nothing.

    A /48 is what one customer or one office gets (RFC 6177), as a /24 often is.
    """
    found = _plain(address)
    if found is None:
        return ""
    prefix = SURROUNDINGS[found.version]
    return str(ipaddress.ip_network((str(found), prefix), strict=False))


def _plain(address: str | None) -> Address | None:
    """Return the address; IPv4 written as IPv6 as the IPv4 that it is."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or found
    return found


class AdminNetworksMiddleware:
    """Hides the admin site from everywhere but the networks that settings name.

    Outside it is as if it were not there: the same 404 for every path and method,
    before anybody is signed in by a cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request, unless it asks for the admin site from elsewhere."""
        if _is_admin(request.path_info) and not _may_administer(context.current().ip):
            raise Http404
        return self.get_response(request)


def _is_admin(path: str) -> bool:
    return path == "/admin" or path.startswith("/admin/")


def _may_administer(address: str | None) -> bool:
    allowed = settings.CHATSEC_ADMIN_NETWORKS
    return not allowed or is_within(address, parse_networks(allowed))

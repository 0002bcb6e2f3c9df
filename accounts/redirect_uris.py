"""Where an authorization code may be sent: exactly what was registered.

RFC 9700 section 4.1.3 asks for simple string comparison. The one exception is the port
of a loopback address, which an app on the device cannot know beforehand (RFC 8252
section 7.3). Nothing here is parsed and normalised before it is compared: whatever a
parser would forgive, a browser may read differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

MAX_URI_LENGTH: Final = 512
# RFC 3986 characters but the fragment's "#", the userinfo's "@" and the wildcard "*".
ALLOWED_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/?\[\]!$&'()+,;=%-]+")
LOOPBACK: Final = re.compile(
    r"(?P<host>http://(?:127\.0\.0\.1|\[::1\]))(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<rest>/.*)?"
)
# Reversed domain name and one slash: no authority (RFC 8252 section 7.1).
PRIVATE_USE: Final = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:/(?!/).*")
HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+|\[[0-9a-f:.]+\]")
MAX_PORT: Final = 65535


def is_registered(uri: str, registered: Iterable[str]) -> bool:
    """Whether a code may be sent to `uri`."""
    if len(uri) > MAX_URI_LENGTH or not ALLOWED_CHARACTERS.fullmatch(uri):
        return False
    return any(uri == one or _same_loopback(uri, one) for one in registered)


def find_fault(uri: str) -> str:
    """Return why the address cannot be registered, or nothing."""
    if len(uri) > MAX_URI_LENGTH or not ALLOWED_CHARACTERS.fullmatch(uri):
        return "has characters that an address must not have, or too many of them"
    if "/.." in uri or "/./" in uri:
        return "goes up or round in its path"
    if LOOPBACK.fullmatch(uri) or PRIVATE_USE.fullmatch(uri):
        return ""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme != "https" or not uri.startswith("https://"):
        return (
            "is neither https, nor http on 127.0.0.1 or [::1], "
            "nor a scheme of the app's own such as com.example.app:/signed-in"
        )
    host = parts.netloc.removesuffix(f":{port}")
    return "" if HOST.fullmatch(host) else "has no proper host name in small letters"


def form_target_of(uri: str) -> str:
    """Return what a page's policy has to name for a form to end up there.

    Browsers hold a form to it through every redirect that follows. A site may well send
    its visitor on to another host of its own, so of https only the scheme is named. An
    address with brackets cannot be named at all (CSP 3, host-source).
    """
    if LOOPBACK.fullmatch(uri) and "[" not in uri:
        parts = urlsplit(uri)
        return f"{parts.scheme}://{parts.netloc}"
    return f"{uri.partition(':')[0]}:"


def _same_loopback(uri: str, registered: str) -> bool:
    """Whether both are the same but for the port of a loopback address."""
    asked, known = LOOPBACK.fullmatch(uri), LOOPBACK.fullmatch(registered)
    if asked is None or known is None:
        return False
    return (
        asked["host"] == known["host"]
        and asked["rest"] == known["rest"]
        and int(asked["port"] or 80) <= MAX_PORT
    )

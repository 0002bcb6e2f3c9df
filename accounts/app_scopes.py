"""What a connected app may be allowed to do, in words that a person can decide on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"
OFFLINE: Final = "offline_access"
# Every question that the person himself may ask, but nothing of administration.
CHAT: Final = "chat"

SCOPES: Final[Mapping[str, str]] = {
    CHAT: "Ask questions in your name and read your conversations.",
    OPENID: "Know that it is you.",
    PROFILE: "Read your names, your place in the organisation and your roles.",
    EMAIL: "Read your e-mail address.",
    OFFLINE: "Stay connected while you are away.",
}


def in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the known ones among the scopes, each once, in the order of the page."""
    asked = set(scopes)
    return tuple(scope for scope in SCOPES if scope in asked)

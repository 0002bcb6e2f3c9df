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
    CHAT: "Ask questions in your name and read your conversations. It sees what you "
    "may see; answers about people and answers that need a code only in the first "
    "minutes after you signed in for it.",
    OPENID: "Know that it is you.",
    PROFILE: "Read your user name, your display name, your place in the organisation "
    "and your roles.",
    EMAIL: "Read your e-mail address.",
    OFFLINE: "Stay connected while you are away.",
}


def in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the known ones among the scopes, each once, in the order of the page."""
    asked = set(scopes)
    return tuple(scope for scope in SCOPES if scope in asked)

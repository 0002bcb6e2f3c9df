"""Single-use links, read from where they wait to be mailed."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from accounts.models import Notice, User


def mailed_link(user: User, *, kind: str | None = None) -> str:
    """Return the last link that goes out to the user."""
    waiting = Notice.objects.filter(user=user, link_sealed__isnull=False)
    if kind is not None:
        waiting = waiting.filter(kind=kind)
    return waiting.order_by("-created_at", "-id")[0].link


def token_in(link: str) -> str:
    """Return the token that a link carries."""
    return parse_qs(urlsplit(link).query)["token"][0]


def mailed_token(user: User, *, kind: str | None = None) -> str:
    """Return the token of the last link that goes out to the user."""
    return token_in(mailed_link(user, kind=kind))

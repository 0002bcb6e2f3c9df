"""A place in the log as one word that goes through an address."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from auditlog.selectors.filters import MAX_YEAR, MIN_YEAR
from auditlog.selectors.paging import Key, Turn
from chatsec.core.errors import Invalid

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_WAYS: Final = (b"o", b"n")


def write_cursor(turn: Turn) -> str:
    """Return the turn as a word."""
    if turn.key is None:
        return ""
    micros = (turn.key.occurred_at - EPOCH) // MICROSECOND
    raw = turn.way[:1].encode() + micros.to_bytes(8) + turn.key.event_id.bytes
    return urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(word: str) -> Turn:
    """Return the turn that the word stands for; raise Invalid for any other word."""
    if not word:
        return Turn("older")
    try:
        raw = urlsafe_b64decode(word.encode("ascii") + b"=" * (-len(word) % 4))
        at = EPOCH + int.from_bytes(raw[1:9]) * MICROSECOND
        key = Key(at, UUID(bytes=raw[9:]))
    except (ValueError, OverflowError) as error:
        raise _refusal() from error
    if raw[:1] not in _WAYS or not MIN_YEAR <= at.year <= MAX_YEAR:
        raise _refusal()
    return Turn("older" if raw[:1] == b"o" else "newer", key)


def _refusal() -> Invalid:
    fields = {"cursor": ["Not a cursor."]}
    return Invalid("Some fields are not valid.", fields=fields)

"""The one byte string of an event, the same in Python and in PostgreSQL.

Every field is a four-byte big-endian length and its bytes; NULL is the length
FF FF FF FF. Numbers and times (microseconds since 1970-01-01 UTC) are eight bytes, so
that neither a time zone nor a rendering of numbers can change the hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

Value = UUID | str | bytes | bool | int | datetime | None

LEAF_TAG: Final = b"\x00chatsec.event/2"
# Of events that were written before there were LATER_COLUMNS.
FIRST_LEAF_TAG: Final = b"\x00chatsec.event/1"
NULL: Final = b"\xff\xff\xff\xff"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

# In this order; a column that is added later comes last and gets a new tag.
FIRST_COLUMNS: Final = (
    "event_id",
    "category",
    "occurred_at",
    "event_type",
    "severity",
    "outcome",
    "actor_kind",
    "actor_pseudonym",
    "subject_pseudonym",
    "channel",
    "session_hash",
    "ip_hash",
    "request_id",
    "resource_type",
    "resource_id",
    "classification",
    "result_count",
    "details",
    "subject_details",
    "redacted",
    "redaction_count",
    "expires_at",
    "schema_version",
    "epoch",
    "xid",
)
LATER_COLUMNS: Final = ("network_hash", "device_hash", "country")
COLUMNS: Final = FIRST_COLUMNS + LATER_COLUMNS


def encode(value: Value) -> bytes:
    """Return the bytes of one value, without its length."""
    match value:
        case UUID():
            return value.bytes
        case str():
            return value.encode()
        case bytes():
            return value
        case bool():
            return b"\x01" if value else b"\x00"
        case int():
            return value.to_bytes(8, "big", signed=True)
        case datetime():
            return encode(microseconds(value))
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


def microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970-01-01 UTC, exactly."""
    return (moment - EPOCH) // MICROSECOND


def canonical(values: Iterable[Value]) -> bytes:
    """Return the fields as one byte string that no other fields share."""
    return b"".join(_field(value) for value in values)


def _field(value: Value) -> bytes:
    if value is None:
        return NULL
    encoded = encode(value)
    return len(encoded).to_bytes(4, "big") + encoded


def hashed_columns(event: Mapping[str, object]) -> tuple[str, ...]:
    """Return which columns of an event are hashed, by its schema version.

    One of the first version that has got a later column is hashed with it, so that
    nothing can be added to an old event unseen.
    """
    has_later = any(event[name] is not None for name in LATER_COLUMNS)
    return COLUMNS if event["schema_version"] != 1 or has_later else FIRST_COLUMNS


def leaf(values: Sequence[Value]) -> bytes:
    """Return the leaf hash of an event: its values in the order of its columns."""
    tags = {len(FIRST_COLUMNS): FIRST_LEAF_TAG, len(COLUMNS): LEAF_TAG}
    tag = tags.get(len(values))
    if tag is None:
        raise ValueError(f"an event has {len(COLUMNS)} columns, not {len(values)}")
    return sha256(tag + canonical(values)).digest()

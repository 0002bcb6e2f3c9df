"""The canonical form as a PostgreSQL expression: the server hashes its own rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from auditlog.proofs.canonical import (
    FIRST_COLUMNS,
    FIRST_LEAF_TAG,
    LATER_COLUMNS,
    LEAF_TAG,
)

_BYTES: Final[Mapping[str, str]] = {
    "uuid": "uuid_send({})",
    "text": "convert_to({}, 'UTF8')",
    "bytea": "{}",
    "boolean": "CASE WHEN {} THEN '\\x01'::bytea ELSE '\\x00'::bytea END",
    "number": "int8send({}::bigint)",
    "time": "int8send((extract(epoch FROM {}) * 1000000)::bigint)",
}
_WIDTHS: Final[Mapping[str, int]] = {"uuid": 16, "boolean": 1, "number": 8, "time": 8}
TYPES: Final[Mapping[str, str]] = {
    "event_id": "uuid",
    "occurred_at": "time",
    "actor_pseudonym": "uuid",
    "subject_pseudonym": "uuid",
    "session_hash": "bytea",
    "ip_hash": "bytea",
    "result_count": "number",
    "details": "bytea",
    "subject_details": "bytea",
    "redacted": "boolean",
    "redaction_count": "number",
    "expires_at": "time",
    "schema_version": "number",
    "epoch": "number",
    "xid": "number",
    "network_hash": "bytea",
    "device_hash": "bytea",
}


def leaf_sql(table: str) -> str:
    """Return the expression of an event's leaf hash; `table` is its alias."""
    later = " AND ".join(f"{table}.{name} IS NULL" for name in LATER_COLUMNS)
    is_first = f"{table}.schema_version = 1 AND {later}"
    return (
        f"sha256(CASE WHEN {is_first} THEN '\\x{FIRST_LEAF_TAG.hex()}'::bytea"
        f" ELSE '\\x{LEAF_TAG.hex()}'::bytea END || {_fields(table, FIRST_COLUMNS)}"
        f" || CASE WHEN {is_first} THEN ''::bytea"
        f" ELSE {_fields(table, LATER_COLUMNS)} END)"
    )


def _fields(table: str, names: tuple[str, ...]) -> str:
    fields = (_field(f"{table}.{name}", TYPES.get(name, "text")) for name in names)
    return " || ".join(fields)


def _field(column: str, kind: str) -> str:
    encoded = _BYTES[kind].format(column)
    width = _WIDTHS.get(kind)
    length = (
        f"'\\x{width:08x}'::bytea"
        if width is not None
        else f"int4send(octet_length({column}))"
    )
    return f"coalesce({length} || {encoded}, '\\xffffffff'::bytea)"

"""Details leave nothing behind that identifies people by accident."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from auditlog.constants import MAX_CLEAR_TEXT
from chatsec.core.crypto import blind_index
from chatsec.core.errors import Json
from chatsec.core.redaction import redact

# The machine's own words in the reference chapter's event shapes. Their values stay
# exact when they look like identifiers: evidence must name the very permission.
MACHINE_KEYS: Final = frozenset(
    {
        "action",
        "action_taken",
        "alert_type",
        "data_classification",
        "error_type",
        "intent",
        "query_type",
        "required_permission",
        "resource_ids",
        "resource_type",
        "result",
        "role",
        "roles",
        "session_id",
        "status",
    }
)
_IDENTIFIER = re.compile(r"[A-Za-z*][A-Za-z0-9_.:*/-]{0,127}", re.ASCII)
_LABEL = re.compile(r"\[[A-Z_]*REDACTED\]")


class Redacted(NamedTuple):
    """What may be stored, and how many places were blanked out."""

    details: Mapping[str, Json]
    replaced: int


def redact_details(details: Mapping[str, Json]) -> Redacted:
    """Return `details` with every text cleaned; the names of the fields stay."""
    total = 0
    clean: dict[str, Json] = {}
    for key, value in details.items():
        clean[key], count = _redacted(value, exact=key in MACHINE_KEYS)
        total += count
    return Redacted(clean, total)


def clear_text(text: str) -> str:
    """Return `text` as a clear column takes it: short and without NUL."""
    return text.replace("\x00", "")[:MAX_CLEAR_TEXT]


def clear_id(text: str) -> str:
    """Return an identifier as it is, and a keyed digest of anything else."""
    if is_identifier(text):
        return text
    return f"h:{blind_index('audit-resource', text).hex()[:32]}"


def is_identifier(text: str) -> bool:
    """Whether `text` is a machine's name of a thing: a UUID, a number, a code."""
    if text == "" or _IDENTIFIER.fullmatch(text):
        return True
    return (text.isascii() and text.isdigit() and len(text) <= 19) or _is_uuid(text)


def _redacted(value: Json, *, exact: bool) -> tuple[Json, int]:
    match value:
        case str():
            return _redacted_text(value, exact=exact)
        case dict():
            inner = redact_details(value)
            return dict(inner.details), inner.replaced
        case list() | tuple():
            pairs = [_redacted(item, exact=exact) for item in value]
            return [item for item, _ in pairs], sum(count for _, count in pairs)
        case _:
            return value, 0


def _redacted_text(text: str, *, exact: bool) -> tuple[str, int]:
    if not text or _is_uuid(text) or (exact and _IDENTIFIER.fullmatch(text)):
        return text, 0
    clean = redact(text)
    if clean == text:
        return text, 0
    added = len(_LABEL.findall(clean)) - len(_LABEL.findall(text))
    return clean, max(1, added)


def _is_uuid(text: str) -> bool:
    if len(text) != 36:
        return False
    try:
        UUID(text)
    except ValueError:
        return False
    return True

"""Evidence while the database is away: drafts on disk until it takes them.

Drafts, not rows: the keys of people are in the database. A draft is sealed under a key
of the installation, and under the people's own as soon as it is written; whoever was
erased in between is erased from it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from auditlog.errors import SpoolFull
from auditlog.services.rows import Draft
from auditlog.spool import audit_spool
from chatsec.core.crypto import derived_key, open_sealed, seal

KEY: Final = "audit-spool"
BOUND_TO: Final = b"chatsec.audit-spool/1"
_UNPACK: Final[Mapping[str, Callable[[Any], object]]] = {
    "event_id": UUID,
    "occurred_at": datetime.fromisoformat,
    "actor_id": UUID,
    "subject_id": UUID,
    "session_hash": bytes.fromhex,
    "ip_hash": bytes.fromhex,
    "network_hash": bytes.fromhex,
    "device_hash": bytes.fromhex,
}


def keep_on_disk(draft: Draft) -> None:
    """Have the event safe on this machine's disk; raise SpoolFull if that fails."""
    try:
        audit_spool().append(packed(draft))
    except OSError as error:
        raise SpoolFull("The audit spool cannot be written.") from error


def packed(draft: Draft) -> bytes:
    """Return the draft as it lies on the disk: sealed."""
    fields = {name: _plain(value) for name, value in draft._asdict().items()}
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return seal(derived_key(KEY), text.encode(), associated_data=BOUND_TO)


def unpacked(body: bytes) -> Draft:
    """Return the draft; raise DecryptionFailed, KeyError, TypeError or ValueError."""
    text = open_sealed(derived_key(KEY), body, associated_data=BOUND_TO)
    fields = json.loads(text)
    return Draft(**{name: _read(name, value) for name, value in fields.items()})


def _plain(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat()
        case _:
            return value


def _read(name: str, value: Any) -> Any:
    read = _UNPACK.get(name)
    return value if read is None or value is None else read(value)

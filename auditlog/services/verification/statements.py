"""What seals say, read as something that anybody may have written into.

Nothing here raises: what cannot be read says nothing, and the chain's walk has found
by then that it is not what was signed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from auditlog.models import Seal
from auditlog.proofs.chain import Kind

Window = tuple[int | None, int | None]
NO_WINDOW: Final[Window] = (None, None)
MAX_XID: Final = 2**63 - 1
WITH_WINDOW: Final = (Kind.EVENTS, Kind.HEARTBEAT)


def said_by(seal: Seal) -> Mapping[str, Any]:
    """Return what the seal says."""
    try:
        said = json.loads(seal.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def window_of(seal: Seal) -> Window:
    """Return the transactions that the seal was signed for.

    Its columns say them too, to be searched by; they are no part of what is signed.
    """
    if seal.kind not in WITH_WINDOW:
        return NO_WINDOW
    said = said_by(seal)
    start, end = said.get("from"), said.get("below")
    if _is_xid(start) and _is_xid(end):
        return start, end
    return NO_WINDOW


def partitions_of(seal: Seal) -> dict[str, int]:
    """Return how many events of each partition are in the seal."""
    said = said_by(seal).get("partitions")
    if not isinstance(said, dict):
        return {}
    return {name: n for name, n in said.items() if isinstance(n, int) and n >= 0}


def _is_xid(number: object) -> bool:
    return isinstance(number, int) and 0 <= number <= MAX_XID


def key_named_by(seal: Seal) -> tuple[str, str, Ed25519PublicKey] | None:
    """Return the key that a seal of kind `key` brings: its id, as hex, and itself."""
    if seal.kind != Kind.KEY:
        return None
    said = said_by(seal)
    try:
        text = str(said["public_key"])
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
        return str(said["key_id"]), text, key
    except (KeyError, ValueError):
        return None


def pruned_by(seal: Seal) -> tuple[str, int] | None:
    """Return which partition a seal of kind `pruned` says went, with how many."""
    if seal.kind != Kind.PRUNED:
        return None
    said = said_by(seal)
    name, events = said.get("partition"), said.get("events")
    if isinstance(name, str) and isinstance(events, int):
        return name, events
    return None

"""Seals: one signed record after another, each naming the head before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from auditlog.proofs.canonical import canonical

HEAD_TAG: Final = b"\x02chatsec.seal/1"
# What the first seal names as the head before it.
GENESIS: Final = sha256(b"chatsec.audit/1").digest()


class Kind(StrEnum):
    """What a seal says."""

    EVENTS = "events"
    HEARTBEAT = "heartbeat"
    # Events of a cluster that was left, which no seal of its own took.
    SWEPT = "swept"
    # A partition went after its retention.
    PRUNED = "pruned"
    # The log goes on in another database cluster.
    EPOCH = "epoch"
    # The next seals are signed by another key.
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Header:
    """What is signed of a seal. `body` is canonical JSON, `root` the Merkle root."""

    number: int
    kind: Kind
    sealed_at: datetime
    epoch: int
    key_id: str
    count: int
    root: bytes
    body: bytes
    previous: bytes

    def head(self) -> bytes:
        """Return the head: it stands for this seal and all before it."""
        fields = (
            self.previous,
            self.number,
            self.kind.value,
            self.sealed_at,
            self.epoch,
            self.key_id,
            self.count,
            self.root,
            self.body,
        )
        return sha256(HEAD_TAG + canonical(fields)).digest()

"""Appending to the chain of seals: numbered, chained to the head before, signed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from auditlog.errors import NoSealKey
from auditlog.models import Seal
from auditlog.proofs import merkle
from auditlog.proofs.chain import GENESIS, Header, Kind
from auditlog.services.partitions import RETENTION
from chatsec.core.errors import Json

ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as a seal keeps them: ordered by partition and id, end to end."""

    # How many events of each partition.
    partitions: Mapping[str, int]
    event_ids: bytes
    leaves: bytes

    @property
    def count(self) -> int:
        """How many events there are."""
        return len(self.event_ids) // ID_BYTES


EMPTY: Final = Batch({}, b"", b"")


class Window(NamedTuple):
    """Transactions from `xid_from` up to, and without, `xid_below`."""

    epoch: int
    xid_from: int
    xid_below: int


@dataclass(frozen=True, slots=True)
class SealKey:
    """A signing key of the sealer and the name by which seals know it."""

    key_id: str
    private: Ed25519PrivateKey

    def public_hex(self) -> str:
        """Return the public key, as proofs spell it."""
        return self.private.public_key().public_bytes_raw().hex()


def seal_keys() -> list[SealKey]:
    """Return the sealer's keys, the one in use first; raise NoSealKey."""
    if not settings.CHATSEC_SEAL_KEYS:
        raise NoSealKey
    return [
        SealKey(key_id, Ed25519PrivateKey.from_private_bytes(seed))
        for key_id, seed in settings.CHATSEC_SEAL_KEYS.items()
    ]


class SealChain:
    """The end of the chain, held by the one transaction that may add to it."""

    def __init__(self, *, now: datetime) -> None:
        self._keys = {key.key_id: key for key in seal_keys()}
        self._wanted_key = next(iter(self._keys.values()))
        seals = Seal.objects.using(RETENTION).defer("event_ids", "leaves")
        self.last: Seal | None = seals.order_by("-number").first()
        self._clock = now
        # A clock that was set back makes no seal older than the one before it.
        self.now = max(now, self.last.sealed_at) if self.last else now
        self.made: list[Seal] = []

    def append_events(
        self, batch: Batch, window: Window, kind: Kind = Kind.EVENTS
    ) -> None:
        """Seal these events."""
        seal = self._append(
            kind,
            {
                "from": window.xid_from,
                "below": window.xid_below,
                "partitions": dict(batch.partitions),
            },
            epoch=window.epoch,
            count=batch.count,
            root=merkle.root(batched_leaves(batch.leaves)),
        )
        if kind is not Kind.SWEPT:
            seal.xid_from, seal.xid_below = window.xid_from, window.xid_below
        seal.event_ids, seal.leaves = batch.event_ids, batch.leaves
        self._save(seal)

    def append_note(
        self, kind: Kind, body: Mapping[str, Json], *, epoch: int | None = None
    ) -> None:
        """Seal a statement that has no events of its own."""
        last = self.last.epoch if self.last else 1
        self._save(self._append(kind, body, epoch=last if epoch is None else epoch))

    def use_current_key(self) -> None:
        """Make sure that the chain says by which key its next seals are signed."""
        named = {
            "key_id": self._wanted_key.key_id,
            "public_key": self._wanted_key.public_hex(),
        }
        # The first seal names its own key; later the old key vouches for the new one.
        if self.last is None or self.signing_key_id != self._wanted_key.key_id:
            self.append_note(Kind.KEY, named)

    @property
    def signing_key_id(self) -> str:
        """The key that the next seal must be signed by."""
        if self.last is None:
            return self._wanted_key.key_id
        if self.last.kind == Kind.KEY:
            return str(self.last.named()["key_id"])
        return self.last.key_id

    def _append(
        self,
        kind: Kind,
        body: Mapping[str, Json],
        *,
        epoch: int,
        count: int = 0,
        root: bytes = merkle.EMPTY_ROOT,
    ) -> Seal:
        key = self._keys.get(self.signing_key_id)
        if key is None:
            raise NoSealKey(self.signing_key_id)
        if self.now > self._clock:
            body = {**body, "clock": self._clock.isoformat()}
        text = json.dumps(body, separators=(",", ":"), sort_keys=True)
        header = Header(
            number=self.last.number + 1 if self.last else 1,
            kind=kind,
            sealed_at=self.now,
            epoch=epoch,
            key_id=key.key_id,
            count=count,
            root=root,
            body=text.encode(),
            previous=bytes(self.last.head) if self.last else GENESIS,
        )
        head = header.head()
        return Seal(
            number=header.number,
            kind=kind.value,
            sealed_at=self.now,
            epoch=epoch,
            key_id=key.key_id,
            count=count,
            root=root,
            body=text,
            previous=header.previous,
            head=head,
            signature=key.private.sign(head),
        )

    def _save(self, seal: Seal) -> None:
        seal.save(using=RETENTION, force_insert=True)
        self.last = seal
        self.made.append(seal)


def batched_ids(ids: bytes) -> list[bytes]:
    """Return the ids of a seal's events, sixteen bytes each."""
    return [ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)]


def batched_leaves(leaves: bytes) -> list[bytes]:
    """Return the hashes of a seal's events, thirty-two bytes each."""
    step = merkle.HASH_BYTES
    return [leaves[at : at + step] for at in range(0, len(leaves), step)]


def header_of(seal: Seal) -> Header:
    """Return what the seal's signature is about, from what is stored."""
    return Header(
        number=seal.number,
        kind=Kind(seal.kind),
        sealed_at=seal.sealed_at,
        epoch=seal.epoch,
        key_id=seal.key_id,
        count=seal.count,
        root=bytes(seal.root),
        body=seal.body.encode(),
        previous=bytes(seal.previous),
    )

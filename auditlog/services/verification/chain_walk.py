"""The seals themselves: numbers, heads, signatures, times, and the anchors outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import QuerySet

from auditlog.models import Seal
from auditlog.proofs.chain import GENESIS, Kind
from auditlog.selectors import is_sealed
from auditlog.services.seal_chain import batched_ids, header_of
from auditlog.services.verification.findings import (
    Fault,
    Finding,
    Report,
    digest,
)
from auditlog.services.verification.statements import (
    key_named_by,
    pruned_by,
    window_of,
)

READ: Final = (
    "number",
    "kind",
    "sealed_at",
    "epoch",
    "key_id",
    "count",
    "root",
    "body",
    "previous",
    "head",
    "signature",
    "xid_from",
    "xid_below",
)


@dataclass(slots=True)
class Chain:
    """What walking the chain leaves behind for the rows to be compared with."""

    report: Report = field(default_factory=Report)
    # Seal numbers from .. to (inclusive), to be read by one query each.
    batches: list[tuple[int, int]] = field(default_factory=list)
    heads: dict[int, bytes] = field(default_factory=dict)
    pruned: dict[str, int] = field(default_factory=dict)
    swept: set[bytes] = field(default_factory=set)
    # The end of the last window of each epoch.
    ends: dict[int, int] = field(default_factory=dict)
    # When and in which epoch the last seal was made.
    sealed_at: datetime | None = None
    epoch: int = 1


def walk_chain(
    *, public_key: str | None = None, first: int = 1, last: int | None = None
) -> Chain:
    """Check numbers, heads, signatures and times of all seals, without the events.

    `public_key` (hex) is the first seal's key as somebody outside keeps it; without it
    a chain that was rewritten under another key shows only against an anchor. What is
    before the seal of number `first` is believed, what comes after `last` left alone.
    """
    chain = Chain()
    keys: dict[str, Ed25519PublicKey] = {}
    before = _believed(first, keys, chain)
    seals = _headers().filter(number__gte=first)
    if last is not None:
        seals = seals.filter(number__lte=last)
    for seal in seals.iterator(chunk_size=2_000):
        if before is None:
            _trust_first(seal, keys, public_key, chain.report)
        _check_header(seal, before, keys, chain.report)
        _learn(seal, keys, chain)
        before = seal
    chain.report.seals = len(chain.heads)
    if before is not None:
        chain.sealed_at, chain.epoch = before.sealed_at, before.epoch
    elif not is_sealed():
        says = "there are events, and not one seal"
        chain.report.findings.append(Finding(Fault.BROKEN_CHAIN, None, says=says))
    return chain


def _headers() -> QuerySet[Seal]:
    return Seal.objects.only(*READ).order_by("number")


def _believed(
    first: int, keys: dict[str, Ed25519PublicKey], chain: Chain
) -> Seal | None:
    """Learn what the seals before say; return the one just before, if there is one."""
    said = (Kind.KEY, Kind.PRUNED, Kind.SWEPT)
    earlier = _headers().filter(number__lt=first)
    for seal in earlier.filter(kind__in=said):
        _learn(seal, keys, chain)
    chain.heads.clear()
    return earlier.last()


def _trust_first(
    seal: Seal,
    keys: dict[str, Ed25519PublicKey],
    public_key: str | None,
    report: Report,
) -> None:
    named = key_named_by(seal)
    if named is None or (public_key is not None and named[1] != public_key):
        report.findings.append(
            Finding(Fault.UNKNOWN_KEY, seal.number, says="not the key that was pinned")
        )
    if named is not None:
        keys[seal.key_id] = named[2]


def _check_header(
    seal: Seal,
    before: Seal | None,
    keys: Mapping[str, Ed25519PublicKey],
    report: Report,
) -> None:
    def wrong(fault: Fault, says: str) -> None:
        state = _state_of(seal, before)
        report.findings.append(Finding(fault, seal.number, says=says, state=state))

    head = _head_of(seal)
    if seal.number != (before.number + 1 if before else 1):
        wrong(Fault.BROKEN_CHAIN, "a seal before it is missing")
    elif bytes(seal.previous) != (bytes(before.head) if before else GENESIS):
        wrong(Fault.BROKEN_CHAIN, "it does not follow the seal before it")
    if head != bytes(seal.head):
        wrong(Fault.BROKEN_SEAL, "its head is not that of its content")
    elif (seal.xid_from, seal.xid_below) != window_of(seal):
        wrong(Fault.BROKEN_SEAL, "its window is not the one that was signed")
    if before is not None and seal.sealed_at < before.sealed_at:
        wrong(Fault.CLOCK, "it is older than the seal before it")
    if fault := _signature_fault(seal, head, keys):
        wrong(*fault)


def _state_of(seal: Seal, before: Seal | None) -> bytes:
    """Return a digest of the seal as it stands now, and of where it stands.

    Its hashes are left out: those that are not its root's are a difference of the rows.
    """
    place = (before.number, bytes(before.head)) if before is not None else None
    return digest(place, *(getattr(seal, name) for name in READ))


def _signature_fault(
    seal: Seal, head: bytes, keys: Mapping[str, Ed25519PublicKey]
) -> tuple[Fault, str] | None:
    key = keys.get(seal.key_id)
    if key is None:
        return Fault.UNKNOWN_KEY, "signed by a key that the chain never named"
    if not _is_signed(key, head, bytes(seal.signature)):
        return Fault.BAD_SIGNATURE, "its signature is not right"
    return None


def _head_of(seal: Seal) -> bytes:
    """Return the head that the seal should have; none for a kind that there is not."""
    try:
        return header_of(seal).head()
    except ValueError:
        return b""


def _is_signed(key: Ed25519PublicKey, head: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, head)
    except InvalidSignature:
        return False
    return True


def _learn(seal: Seal, keys: dict[str, Ed25519PublicKey], chain: Chain) -> None:
    chain.heads[seal.number] = bytes(seal.head)
    if named := key_named_by(seal):
        keys[named[0]] = named[2]
    elif pruned := pruned_by(seal):
        chain.pruned[pruned[0]] = pruned[1]
    elif seal.kind == Kind.SWEPT:
        ids = Seal.objects.values_list("event_ids", flat=True).get(number=seal.number)
        chain.swept.update(batched_ids(bytes(ids or b"")))
    _, below = window_of(seal)
    if below is not None:
        chain.ends[seal.epoch] = max(chain.ends.get(seal.epoch, 0), below)


def check_anchors(chain: Chain, heads: Mapping[int, str]) -> None:
    """Note every anchored head that the chain does not have (any more)."""
    for number, head in sorted(heads.items()):
        if chain.heads.get(number, b"").hex() != head:
            says = "the head that was left outside is another one"
            chain.report.findings.append(Finding(Fault.NOT_ANCHORED, number, says=says))

"""The seals themselves: numbers, heads, signatures, times, and the anchors outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import QuerySet

from auditlog.models import Seal
from auditlog.proofs.chain import GENESIS, Kind
from auditlog.services.seal_chain import batched_ids, header_of
from auditlog.services.verification.findings import Fault, Finding, Report


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


def walk_chain(*, public_key: str | None = None) -> Chain:
    """Check numbers, heads, signatures and times of all seals, without the events.

    `public_key` (hex) is the first seal's key as somebody outside keeps it; without it
    a chain that was rewritten under another key shows only against an anchor.
    """
    chain = Chain()
    keys: dict[str, Ed25519PublicKey] = {}
    before: Seal | None = None
    for seal in _headers().iterator(chunk_size=2_000):
        if before is None:
            _trust_first(seal, keys, public_key, chain.report)
        _check_header(seal, before, keys, chain.report)
        _learn(seal, keys, chain)
        before = seal
    chain.report.seals = len(chain.heads)
    return chain


def _headers() -> QuerySet[Seal]:
    return Seal.objects.defer("event_ids", "leaves").order_by("number")


def _trust_first(
    seal: Seal,
    keys: dict[str, Ed25519PublicKey],
    public_key: str | None,
    report: Report,
) -> None:
    named = seal.named() if seal.kind == Kind.KEY else {}
    said = str(named.get("public_key", ""))
    if not said or (public_key is not None and said != public_key):
        report.findings.append(
            Finding(Fault.UNKNOWN_KEY, seal.number, says="not the key that was pinned")
        )
    if said:
        keys[seal.key_id] = Ed25519PublicKey.from_public_bytes(bytes.fromhex(said))


def _check_header(
    seal: Seal,
    before: Seal | None,
    keys: Mapping[str, Ed25519PublicKey],
    report: Report,
) -> None:
    def wrong(fault: Fault, says: str) -> None:
        report.findings.append(Finding(fault, seal.number, says=says))

    head = header_of(seal).head()
    if seal.number != (before.number + 1 if before else 1):
        wrong(Fault.BROKEN_CHAIN, "a seal before it is missing")
    elif bytes(seal.previous) != (bytes(before.head) if before else GENESIS):
        wrong(Fault.BROKEN_CHAIN, "it does not follow the seal before it")
    if head != bytes(seal.head):
        wrong(Fault.BROKEN_SEAL, "its head is not that of its content")
    if before is not None and seal.sealed_at < before.sealed_at:
        wrong(Fault.CLOCK, "it is older than the seal before it")
    key = keys.get(seal.key_id)
    if key is None:
        wrong(Fault.UNKNOWN_KEY, "signed by a key that the chain never named")
    elif not _is_signed(key, head, bytes(seal.signature)):
        wrong(Fault.BAD_SIGNATURE, "its signature is not right")


def _is_signed(key: Ed25519PublicKey, head: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, head)
    except InvalidSignature:
        return False
    return True


def _learn(seal: Seal, keys: dict[str, Ed25519PublicKey], chain: Chain) -> None:
    chain.heads[seal.number] = bytes(seal.head)
    body = seal.named()
    if seal.kind == Kind.KEY:
        raw = bytes.fromhex(body["public_key"])
        keys[body["key_id"]] = Ed25519PublicKey.from_public_bytes(raw)
    elif seal.kind == Kind.PRUNED:
        chain.pruned[body["partition"]] = body["events"]
    elif seal.kind == Kind.SWEPT:
        ids = Seal.objects.values_list("event_ids", flat=True).get(number=seal.number)
        chain.swept.update(batched_ids(bytes(ids or b"")))
    if seal.xid_below is not None:
        chain.ends[seal.epoch] = max(chain.ends.get(seal.epoch, 0), seal.xid_below)


def check_anchors(chain: Chain, heads: Mapping[int, str]) -> None:
    """Note every anchored head that the chain does not have (any more)."""
    for number, head in sorted(heads.items()):
        if chain.heads.get(number, b"").hex() != head:
            says = "the head that was left outside is another one"
            chain.report.findings.append(Finding(Fault.NOT_ANCHORED, number, says=says))

"""Proof of one event for somebody who has no access here, and no reason to trust us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Min, QuerySet

from auditlog.models import Anchor, Event, Seal
from auditlog.proofs import canonical, merkle
from auditlog.proofs.chain import Kind
from auditlog.services.seal_chain import batched_ids, batched_leaves
from chatsec.core.errors import Conflict, Json, NotFound

FORMAT: Final = "chatsec.audit-proof/1"
# Places are given the same heads; one that missed some has one soon after.
AROUND: Final = 1_000
# Without an anchor within so many seals a proof ends with the event's own.
MOST_SEALS: Final = 20_000


def prove_event(event_id: UUID) -> Mapping[str, Json]:
    """Return the proof: the event, its path to a signed root, and the seals after it.

    The seals go on to the next anchored one, so that the proof leads to a head that
    was left outside. Raises NotFound, or Conflict while the event is not sealed yet.
    """
    event = Event.objects.filter(event_id=event_id).first()
    if event is None:
        raise NotFound("There is no such event.")
    seal = seal_of(event)
    ids = batched_ids(bytes(seal.event_ids or b""))
    if event_id.bytes not in ids:
        raise NotFound("No seal knows this event: `audit_verify` says more.")
    index = ids.index(event_id.bytes)
    leaves = batched_leaves(bytes(seal.leaves or b""))
    return {
        "format": FORMAT,
        "public_key": key_of(seal),
        "event": columns_of(event),
        "index": index,
        "path": [step.hex() for step in merkle.path(leaves, index)],
        "seals": [described_seal(each) for each in _up_to_anchor(seal)],
    }


def seal_of(event: Event) -> Seal:
    """Return the seal of the event's transaction; raise Conflict without one."""
    # Windows follow each other: it can only be in the last that begins before it. Asked
    # like this an index answers; by both ends every seal since is looked at.
    begun = Seal.objects.filter(epoch=event.epoch, xid_from__lte=event.xid)
    found = begun.order_by("-xid_from").first()
    if found is not None and (found.xid_below or 0) <= event.xid:
        found = None
    if found is not None and event.event_id.bytes in batched_ids(
        bytes(found.event_ids or b"")
    ):
        return found
    for swept in Seal.objects.filter(kind=Kind.SWEPT, epoch=event.epoch):
        if event.event_id.bytes in batched_ids(bytes(swept.event_ids or b"")):
            return swept
    if found is not None:
        return found
    raise Conflict("The event is not sealed yet.", code="not_sealed")


def key_of(seal: Seal) -> str:
    """Return the public key that signed the seal, from where the chain names it."""
    named = Seal.objects.filter(
        kind=Kind.KEY, number__lte=seal.number, body__contains=f'"{seal.key_id}"'
    ).order_by("number")
    for each in reversed(named):
        body = each.named()
        if body["key_id"] == seal.key_id:
            return str(body["public_key"])
    raise NotFound("The chain does not name the key of this seal.")


def _up_to_anchor(seal: Seal) -> Iterable[Seal]:
    return seals_between(seal.number, next_anchored(seal.number))


def next_anchored(number: int) -> int:
    """Return the next head from here on that each place outside has; else `number`.

    Not the newest: there are a thousand and more seals a day, and a proof of what
    happened a year ago would never be checked. A place that had none for long does not
    count.
    """
    later = Anchor.objects.filter(number__gte=number).values("sink")
    heads = set(later.annotate(next=Min("number")).values_list("next", flat=True))
    nearest = min(heads, default=number)
    last = max((n for n in heads if n - nearest <= AROUND), default=nearest)
    return last if last - number <= MOST_SEALS else number


def seals_between(first: int, last: int) -> QuerySet[Seal]:
    """Return these seals, both ends with them, without what they hold of events."""
    return (
        Seal.objects.filter(number__range=(first, last))
        .defer("event_ids", "leaves")
        .order_by("number")
    )


def columns_of(event: Event) -> dict[str, Json]:
    """Return what is hashed of the event, as proofs spell it."""
    values = {name: getattr(event, name) for name in canonical.COLUMNS}
    return {name: _spelled(values[name]) for name in canonical.hashed_columns(values)}


def described_seal(seal: Seal) -> dict[str, Json]:
    """Return the seal as proofs spell it."""
    return {
        "number": seal.number,
        "kind": seal.kind,
        "sealed_at": canonical.microseconds(seal.sealed_at),
        "epoch": seal.epoch,
        "key_id": seal.key_id,
        "count": seal.count,
        "root": bytes(seal.root).hex(),
        "body": seal.body,
        "previous": bytes(seal.previous).hex(),
        "head": bytes(seal.head).hex(),
        "signature": bytes(seal.signature).hex(),
    }


def _spelled(value: object) -> Json:
    match value:
        case UUID():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case datetime():
            return canonical.microseconds(value)
        case None | bool() | int() | str():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} in an event")


def find_seal_number(event: Event) -> int | None:
    """Return which seal holds the event, or None while it is not sealed."""
    try:
        return seal_of(event).number
    except Conflict:
        return None

"""An incident with the proofs of its events, for somebody who has no access here.

What people wrote about the incident is an account and is not sealed; the events behind
it are. One digest stands for the whole package, and the log holds it in clear: a proof
of the export's own event shows that this package, and no other, was handed out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple, cast
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from auditlog import events, selectors
from auditlog.incident_shapes import incident_account
from auditlog.models import Anchor, Event, Incident, Seal
from auditlog.proofs import canonical, merkle
from auditlog.proofs.chain import Kind
from auditlog.services import incidents, proving
from auditlog.services.export_places import take_place
from auditlog.services.recording import Target, record
from auditlog.services.seal_chain import batched_ids, batched_leaves
from chatsec.core.context import current_actor
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Conflict, Json

FORMAT: Final = "chatsec.incident-evidence/1"
MOST_EVENTS: Final = 1_000
# A checker in plain Python verifies some 150 signatures a second.
MOST_SEALS: Final = 5_000
MOST_COUNTED: Final = 100_000
PATIENCE_SECONDS: Final = 30
INCIDENT: Final = "auditlog.Incident"
# An incident is opened and its event written in one transaction, by two clocks' times.
MARGIN: Final = timedelta(hours=1)


class Found(NamedTuple):
    """The events of an incident, oldest first, and how many were too many."""

    events: list[Event]
    left_out: int


class Shelf:
    """One seal with the events that it holds, looked up many times."""

    def __init__(self, seal: Seal) -> None:
        self.number = seal.number
        ids = batched_ids(bytes(seal.event_ids or b""))
        self._places = {event_id: place for place, event_id in enumerate(ids)}
        self._tree = merkle.levels(batched_leaves(bytes(seal.leaves or b"")))

    def has(self, event: Event) -> bool:
        """Whether the seal knows the event."""
        return event.event_id.bytes in self._places

    def proof_of(self, event: Event) -> dict[str, Json]:
        """Return where the event is in the seal, and its way to the root."""
        place = self._places[event.event_id.bytes]
        steps = merkle.path_in(self._tree, place)
        return {
            "standing": "sealed",
            "seal": self.number,
            "index": place,
            "path": [step.hex() for step in steps],
        }


class Chain(NamedTuple):
    """The seals that the proofs of a package share, and which heads were left."""

    seals: list[Seal]
    anchors: list[Anchor]


def export_evidence(incident_id: UUID) -> Mapping[str, Json]:
    """Return the package of the incident; that it was taken is on record with it.

    Raises NotFound, and TooMany while enough other exports run.
    """
    incident = selectors.get_incident(incident_id)
    place = take_place(now=timezone.now())
    try:
        package = _packed(incident, now=timezone.now())
        _note(incident, package)
    finally:
        place.leave()
    return package


def digest_of(package: Mapping[str, Json]) -> str:
    """Return the SHA-256 of all that the package holds besides its digest."""
    rest = {name: value for name, value in package.items() if name != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


def _packed(incident: Incident, *, now: datetime) -> dict[str, Json]:
    found = _events_of(incident)
    proofs = _proofs_of(found.events)
    sealed = {proof["seal"] for proof in proofs if proof["seal"] is not None}
    chain = _chain_of(sorted(cast("set[int]", sealed)))
    account = incident_account(selectors.read_story(incident))
    package: dict[str, Json] = {
        "format": FORMAT,
        "incident": account,
        "public_key": proving.key_of(chain.seals[0]) if chain.seals else "",
        "events": list(proofs),
        "seals": [proving.described_seal(seal) for seal in chain.seals],
        "anchors": [_described_anchor(anchor) for anchor in chain.anchors],
    }
    package["manifest"] = _manifest(package, incident, found=found, now=now)
    return {**package, "digest": digest_of(package)}


def _events_of(incident: Incident) -> Found:
    """Return what happened to the incident and then the newest of what is behind it."""
    with selectors.hurried(PATIENCE_SECONDS):
        own = Event.objects.filter(
            category="security",
            resource_type=INCIDENT,
            resource_id=str(incident.pk),
            occurred_at__gte=incident.opened_at - MARGIN,
        ).order_by("-occurred_at", "-event_id")
        chosen = list(own[:MOST_EVENTS])
        ids = [event.event_id for event in chosen]
        alerts = list(incident.alerts.order_by("-last_at")[: selectors.MAX_ALERTS])
        behind = selectors.events_behind(alerts).exclude(event_id__in=ids)
        chosen += behind[: MOST_EVENTS - len(chosen)]
        in_all = _counted(own) + _counted(behind)
    chosen.sort(key=lambda event: (event.occurred_at, event.event_id))
    return Found(chosen, in_all - len(chosen))


def _counted(rows: QuerySet[Event]) -> int:
    return rows[:MOST_COUNTED].count()


def _proofs_of(found: Sequence[Event]) -> list[dict[str, Json]]:
    """Return each event with its place in the chain, in the order given."""
    placed: dict[UUID, dict[str, Json]] = {}
    shelf: Shelf | None = None
    # By transaction: those of one seal come together, and it is read once.
    for event in sorted(found, key=lambda event: (event.epoch, event.xid)):
        if shelf is None or not shelf.has(event):
            shelf = _shelf_of(event)
        placed[event.event_id] = _place_of(event, shelf)
    return [
        {"event": proving.columns_of(event), **placed[event.event_id]}
        for event in found
    ]


def _shelf_of(event: Event) -> Shelf | None:
    try:
        return Shelf(proving.seal_of(event))
    except Conflict:
        return None


def _place_of(event: Event, shelf: Shelf | None) -> dict[str, Json]:
    if shelf is not None and shelf.has(event):
        return shelf.proof_of(event)
    # Its transactions are sealed and it is not among them: `audit_verify` says more.
    standing = "waiting" if shelf is None else "unknown"
    return {"standing": standing, "seal": None, "index": None, "path": []}


def _chain_of(sealed: Sequence[int]) -> Chain:
    """Return the seals from each event's own to a head that was left outside.

    Every key that there was until then is named, from the first one on: who knows that
    one, as each anchor does, needs no other.
    """
    if not sealed:
        return Chain([], [])
    spans = _spans(sealed)
    seals = {
        seal.number: seal for span in spans for seal in proving.seals_between(*span)
    }
    keys = Seal.objects.filter(kind=Kind.KEY, number__lte=spans[-1][1])
    seals.update({seal.number: seal for seal in keys.defer("event_ids", "leaves")})
    anchors = [
        anchor
        for span in spans
        for anchor in Anchor.objects.filter(number__range=span).order_by(
            "number", "sink", "anchored_at"
        )
    ]
    return Chain([seals[number] for number in sorted(seals)], anchors)


def _spans(sealed: Sequence[int]) -> list[tuple[int, int]]:
    """Return first and last seal of each stretch; what is too much ends at once."""
    spans: list[tuple[int, int]] = []
    left, reached = MOST_SEALS, 0
    for number in sealed:
        if number <= reached:
            continue
        reached = proving.next_anchored(number)
        if reached - number >= left:
            reached = number
        left -= reached - number
        spans.append((number, reached))
    return spans


def _described_anchor(anchor: Anchor) -> dict[str, Json]:
    return {
        "number": anchor.number,
        "head": bytes(anchor.head).hex(),
        "sink": anchor.sink,
        "anchored_at": canonical.microseconds(anchor.anchored_at),
    }


def _manifest(
    package: Mapping[str, Json], incident: Incident, *, found: Found, now: datetime
) -> dict[str, Json]:
    """Return what the package holds, and of what it holds a part."""
    account = cast("dict[str, list[Json]]", package["incident"])
    proofs = cast("list[dict[str, Json]]", package["events"])
    standings = Counter(str(proof["standing"]) for proof in proofs)
    lists = (package["seals"], package["anchors"])
    seals, anchors = (len(cast("list[Json]", each)) for each in lists)
    timeline, alerts = account["timeline"], account["incident_alerts"]
    return {
        "made_at": canonical.microseconds(now),
        "incident": str(incident.pk),
        "events": len(proofs),
        **{each: standings[each] for each in ("sealed", "waiting", "unknown")},
        "seals": seals,
        "anchors": anchors,
        "timeline": len(timeline),
        "alerts": len(alerts),
        "left_out": {
            "events": found.left_out,
            "timeline": incident.entries.count() - len(timeline),
            "alerts": incident.alerts.count() - len(alerts),
        },
    }


def _note(incident: Incident, package: Mapping[str, Json]) -> None:
    about = incident.actor_pseudonym
    manifest = cast("dict[str, Json]", package["manifest"])
    counted: Iterable[str] = ("sealed", "waiting", "unknown", "left_out")
    facts = {"events": manifest["events"], "digest": package["digest"]}
    with transaction.atomic():
        incidents.note_export(current_actor(), incident.pk, facts=facts)
        record(
            events.EVIDENCE_EXPORTED,
            target=Target("auditlog.EvidencePackage", f"sha256:{package['digest']}"),
            subject_id=subject_keys().subject_of(about) if about else None,
            result_count=cast("int", manifest["events"]),
            details={
                "incident": str(incident.pk),
                "number": incident.number,
                **{name: manifest[name] for name in counted},
            },
        )

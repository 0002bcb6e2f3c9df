"""What the audit log holds on a person, and what leaves it on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from itertools import islice
from uuid import UUID

from auditlog import (
    habit_data,  # noqa: F401 - declares its own models
    incident_data,  # noqa: F401 - declares its own models
    search_data,  # noqa: F401 - declares its own models
    selectors,
)
from auditlog.shapes import ReadEvent
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal

CHUNK = 200


def export_events(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the processing log of one person, without anything on other people."""
    pseudonym = subject_keys().pseudonym(subject_id)
    rows = selectors.events_about(subject_id).iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        for read in selectors.read_events(chunk):
            yield _for_subject(read, pseudonym)


def _for_subject(read: ReadEvent, pseudonym: UUID) -> Mapping[str, Json]:
    event = read.event
    is_actor = event.actor_pseudonym == pseudonym
    is_subject = event.subject_pseudonym == pseudonym
    about_somebody_else = event.subject_pseudonym is not None and not is_subject
    found: dict[str, Json] = {
        "event_id": str(event.event_id),
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        "event_type": event.event_type,
        "category": event.category,
        "outcome": event.outcome,
        "done_by": "you" if is_actor else event.actor_kind,
        "kept_until": event.expires_at.astimezone(UTC).isoformat(),
    }
    if is_actor and not about_somebody_else:
        found["resource_type"] = event.resource_type
        found["resource_id"] = event.resource_id
    if is_actor:
        found["country"] = event.country or ""
        found["details"] = dict(read.details)
    if is_subject:
        found["about_you"] = dict(read.subject_details)
    return found


declare(
    Declaration(
        model="auditlog.Event",
        holds="What you did here and what was done about you, under a pseudonym",
        part="data_processing_log",
        purposes=("audit_trail", "security_log"),
        export=export_events,
        erase=None,
        keep_reason=(
            "Evidence kept by legal obligation (GDPR Art. 17(3)(b), (e)). Its sealed"
            " parts become unreadable, and its pseudonym leads to nobody, once the"
            " person's key is destroyed."
        ),
        retention="audit",
    )
)

not_personal(
    "auditlog.Alert",
    reason="A rule, counts and a pseudonym that is cut off when the key is destroyed",
)
not_personal(
    "auditlog.Seal",
    reason="Hashes of events' sealed bytes; they lead to nobody and stay for proofs",
)
not_personal(
    "auditlog.LogDifference",
    reason="Where the log is not what was sealed: numbers, ids of events and digests",
)
not_personal("auditlog.Anchor", reason="A head of the chain and where it was left")
not_personal(
    "auditlog.Route",
    reason="Where the organisation's own security office is told, sealed",
)
not_personal(
    "auditlog.Delivery",
    reason="Which message went to which route; it says no more than a pseudonym",
)
not_personal(
    "auditlog.ExportPlace", reason="Until when a running export keeps its place"
)

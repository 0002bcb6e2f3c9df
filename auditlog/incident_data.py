"""What incidents hold on a person, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from auditlog.models import Alert, Incident, IncidentEntry
from auditlog.notes import open_note
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare
from chatsec.core.redaction import redact

BATCH = 500
EVIDENCE = (
    "Evidence of how the organisation dealt with a danger (GDPR Art. 17(3)(b), (e))."
    " Its notes become unreadable, and its pseudonym leads to nobody, once the person's"
    " key is destroyed."
)


def export_incidents(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the resolved incidents about the person.

    While one is being dealt with, telling would spoil it (GDPR Art. 23(1)(d), (i)).
    """
    pseudonym = subject_keys().pseudonym(subject_id)
    rows = Incident.objects.filter(actor_pseudonym=pseudonym, state="resolved")
    for incident in rows.order_by("id").iterator(chunk_size=BATCH):
        yield {
            "number": incident.number,
            "title": incident.title,
            "severity": incident.severity,
            "verdict": incident.verdict,
            "opened_at": _text(incident.opened_at),
            "resolved_at": _text(incident.resolved_at),
        }


def export_entries(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what was written about the person, and that he wrote about others.

    What is written about him may speak of others too, so it is redacted; what he wrote
    is about somebody else and stays away.
    """
    pseudonym = subject_keys().pseudonym(subject_id)
    about = Q(incident__actor_pseudonym=pseudonym, incident__state="resolved")
    rows = IncidentEntry.objects.filter(about | Q(actor_pseudonym=pseudonym))
    rows = rows.select_related("incident").order_by("id")
    for entry in rows.iterator(chunk_size=BATCH):
        found: dict[str, Json] = {
            "incident": entry.incident.number,
            "kind": entry.kind,
            "at": _text(entry.at),
            "done_by": "you" if entry.actor_pseudonym == pseudonym else "the handlers",
        }
        if entry.incident.actor_pseudonym == pseudonym and entry.text is not None:
            found["about_you"] = redact(open_note(entry, owner=subject_id) or "")
        yield found


def expire_incidents(before: datetime, held: frozenset[UUID]) -> int:
    """Delete what was resolved before, with its story and its alerts."""
    deleted = 0
    while ids := list(_expired(before, held).values_list("pk", flat=True)[:BATCH]):
        Alert.objects.filter(incident_id__in=ids).delete()
        deleted += Incident.objects.filter(pk__in=ids).delete()[1]["auditlog.Incident"]
    return deleted


def count_expired_incidents(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many `expire_incidents` would delete."""
    return _expired(before, held).count()


def _expired(before: datetime, held: frozenset[UUID]) -> QuerySet[Incident]:
    keep = [subject_keys().pseudonym(subject_id) for subject_id in held]
    past = Incident.objects.filter(resolved_at__lt=before)
    return past.exclude(actor_pseudonym__in=keep).order_by("id")


def _text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


declare(
    Declaration(
        model="auditlog.Incident",
        holds="Incidents that your account was part of, under a pseudonym",
        part="data_processing_log",
        purposes=("security_log",),
        export=export_incidents,
        erase=None,
        keep_reason=EVIDENCE,
        retention="security_log",
        expire=expire_incidents,
        count_expired=count_expired_incidents,
    )
)
declare(
    Declaration(
        model="auditlog.IncidentEntry",
        holds="What was written down about such an incident, sealed under your key",
        part="data_processing_log",
        purposes=("security_log",),
        export=export_entries,
        erase=None,
        keep_reason=EVIDENCE,
        # Goes with its incident.
        retention="security_log",
    )
)

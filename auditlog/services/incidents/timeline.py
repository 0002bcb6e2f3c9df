"""The story of an incident: one line for everything that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from auditlog.constants import EntryKind
from auditlog.models import Alert, Incident, IncidentEntry
from auditlog.notes import seal_note
from chatsec.core.context import Actor
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json


def tell(
    incident: Incident,
    kind: EntryKind,
    *,
    at: datetime,
    alert: Alert | None = None,
    facts: Mapping[str, Json] | None = None,
) -> IncidentEntry:
    """Add what the system did."""
    return IncidentEntry.objects.create(
        incident=incident, kind=kind, at=at, alert=alert, facts=dict(facts or {})
    )


def tell_of_export(
    incident: Incident, *, actor: Actor, at: datetime, facts: Mapping[str, Json]
) -> IncidentEntry:
    """Add that somebody took the evidence, and what of it."""
    entry = _by(actor, IncidentEntry(incident=incident, kind="exported", at=at))
    entry.facts = dict(facts)
    entry.save(force_insert=True)
    return entry


def tell_by(
    incident: Incident,
    kind: EntryKind,
    *,
    actor: Actor,
    at: datetime,
    text: str = "",
) -> IncidentEntry:
    """Add what somebody did, with his words sealed."""
    entry = _by(actor, IncidentEntry(incident=incident, kind=kind, at=at))
    if text:
        entry.text = seal_note(incident, text, entry_id=entry.id)
    if kind == "resolved":
        entry.facts = {"verdict": incident.verdict}
    entry.save(force_insert=True)
    return entry


def _by(actor: Actor, entry: IncidentEntry) -> IncidentEntry:
    if actor.id is not None:
        entry.actor_pseudonym = subject_keys().pseudonym(actor.id)
    return entry

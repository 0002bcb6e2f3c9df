"""What people do about an incident: take it on, write it down, close it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from auditlog import events
from auditlog.constants import MAX_NOTE, VERDICTS
from auditlog.models import Incident, IncidentEntry
from auditlog.registry import EventType
from auditlog.services import log_differences
from auditlog.services.incidents.timeline import tell_by, tell_of_export
from auditlog.services.incidents.turns import take_turn
from auditlog.services.outbox import tell_routes
from auditlog.services.recording import Target, record
from chatsec.core.context import Actor
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Conflict, Invalid, Json, NotFound

# Resolving what nobody acknowledged acknowledges it: somebody has seen it, after all.
MOVES: Final[Mapping[str, frozenset[str]]] = {
    "open": frozenset({"acknowledged", "resolved"}),
    "acknowledged": frozenset({"resolved"}),
    "resolved": frozenset(),
}

ADMITTED: Final = "true_positive"


def acknowledge(actor: Actor, incident_id: UUID) -> Incident:
    """Say that somebody is on it."""
    now = timezone.now()
    with transaction.atomic():
        take_turn()
        incident = _moved(incident_id, "acknowledged")
        incident.acknowledged_at, incident.acknowledged_by = now, _pseudonym(actor)
        _keep(incident)
        tell_by(incident, "acknowledged", actor=actor, at=now)
        _evidence(events.INCIDENT_ACKNOWLEDGED, actor, incident, at=now)
    return incident


def resolve(
    actor: Actor,
    incident_id: UUID,
    *,
    verdict: str,
    note: str = "",
    differences: int | None = None,
) -> Incident:
    """Close it with what it turned out to be, and a note where there is one.

    `differences` between log and seals are known from now on, if there are so many;
    the note has to explain them then.
    """
    if verdict not in VERDICTS:
        text = f"One of {', '.join(VERDICTS)}."
        raise Invalid("Some fields are not valid.", fields={"verdict": [text]})
    now, text = timezone.now(), _clean(note)
    with transaction.atomic():
        take_turn()
        incident = _moved(incident_id, "resolved")
        _refuse_to_clear_oneself(actor, incident, verdict=verdict)
        known = log_differences.explain(incident, seen=differences, reason=text)
        incident.resolved_at, incident.resolved_by = now, _pseudonym(actor)
        incident.verdict = verdict
        if incident.acknowledged_at is None:
            incident.acknowledged_at = now
            incident.acknowledged_by = incident.resolved_by
        _keep(incident)
        tell_by(incident, "resolved", actor=actor, at=now, text=text)
        _evidence(events.INCIDENT_RESOLVED, actor, incident, at=now, known=known)
        tell_routes(incident, "resolved", now=now)
    return incident


def add_note(actor: Actor, incident_id: UUID, *, text: str) -> IncidentEntry:
    """Write down what somebody found out; also after the end."""
    now, clean = timezone.now(), _clean(text)
    if not clean:
        raise Invalid("Some fields are not valid.", fields={"text": ["Required."]})
    with transaction.atomic():
        incident = _locked(incident_id)
        entry = tell_by(incident, "note", actor=actor, at=now, text=clean)
        _evidence(events.INCIDENT_NOTED, actor, incident, at=now)
    return entry


def note_export(actor: Actor, incident_id: UUID, *, facts: Mapping[str, Json]) -> None:
    """Write down that somebody took the evidence; call it with the event of that."""
    tell_of_export(_locked(incident_id), actor=actor, at=timezone.now(), facts=facts)


def _locked(incident_id: UUID) -> Incident:
    found = (
        Incident.objects.select_for_update(no_key=True).filter(pk=incident_id).first()
    )
    if found is None:
        raise NotFound("There is no such incident.")
    return found


def _moved(incident_id: UUID, state: str) -> Incident:
    """Return the incident in its new state; a move that is not one is a Conflict."""
    incident = _locked(incident_id)
    if state not in MOVES[incident.state]:
        raise Conflict(
            f"This incident is {incident.state} already.",
            code="incident_state",
            state=incident.state,
        )
    incident.state = state
    return incident


def _refuse_to_clear_oneself(actor: Actor, incident: Incident, *, verdict: str) -> None:
    """Let somebody else say that what a person did was nothing, or was allowed.

    To have done it anybody may say of himself: who is alone can close what is open.
    """
    about = incident.actor_pseudonym
    if verdict == ADMITTED or about is None or about != _pseudonym(actor):
        return
    raise Conflict(
        "This incident is about yourself: somebody else says that it was nothing.",
        code="own_incident",
    )


def _keep(incident: Incident) -> None:
    """Save the incident; its alerts are as far as it is."""
    incident.save()
    incident.alerts.update(state=incident.state)


def _clean(text: str) -> str:
    clean = text.replace("\r\n", "\n").strip()
    if "\x00" in clean:
        raise Invalid(
            "Some fields are not valid.", fields={"note": ["No NUL characters."]}
        )
    if len(clean) > MAX_NOTE:
        problem = f"At most {MAX_NOTE} characters."
        raise Invalid("Some fields are not valid.", fields={"note": [problem]})
    return clean


def _pseudonym(actor: Actor) -> UUID | None:
    return subject_keys().pseudonym(actor.id) if actor.id is not None else None


def _evidence(
    event: EventType,
    actor: Actor,
    incident: Incident,
    *,
    at: datetime,
    known: int = 0,
) -> None:
    about = incident.actor_pseudonym
    details: dict[str, Json] = {
        "number": incident.number,
        "severity": incident.severity,
        "status": incident.state,
        "at": at.isoformat(),
    }
    if incident.verdict:
        details["verdict"] = incident.verdict
    if known:
        details["known_differences"] = known
    record(
        event,
        actor=actor,
        target=Target("auditlog.Incident", incident.id),
        subject_id=subject_keys().subject_of(about) if about else None,
        details=details,
    )

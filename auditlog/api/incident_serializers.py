"""What the API takes and gives about incidents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from auditlog import selectors
from auditlog.constants import (
    ENTRY_KINDS,
    INCIDENT_STATES,
    MAX_NOTE,
    SEVERITIES,
    VERDICTS,
)
from auditlog.models import Alert, Incident
from chatsec.core.errors import Json


class IncidentQuery(serializers.Serializer[Any]):
    """The parameters of a list of incidents."""

    state = serializers.ChoiceField(required=False, choices=INCIDENT_STATES)
    severity = serializers.ChoiceField(required=False, choices=SEVERITIES)


class ResolveRequest(serializers.Serializer[Any]):
    """What it turned out to be."""

    verdict = serializers.ChoiceField(choices=VERDICTS)
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_NOTE, default=""
    )


class NoteRequest(serializers.Serializer[Any]):
    """What somebody found out."""

    text = serializers.CharField(max_length=MAX_NOTE)


class IncidentRows(serializers.ListSerializer[Any]):
    """A page of incidents, named together."""

    def to_representation(self, data: Any) -> list[Any]:
        """Return the rows with a constant number of queries."""
        return [incident_row(read) for read in selectors.read_incidents(list(data))]


class IncidentRow(serializers.Serializer[Incident]):
    """One incident."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF's own name too
    title = serializers.CharField()
    severity = serializers.ChoiceField(choices=SEVERITIES)
    state = serializers.ChoiceField(choices=INCIDENT_STATES)
    verdict = serializers.ChoiceField(choices=VERDICTS, allow_blank=True)
    runbook = serializers.CharField()
    user_id = serializers.UUIDField(allow_null=True)
    actor_name = serializers.CharField(allow_null=True)
    alerts = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    raised_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(allow_null=True)

    class Meta:
        list_serializer_class = IncidentRows


class EntryRow(serializers.Serializer[Any]):
    """One line of the timeline; `text` is null where its person was erased."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ENTRY_KINDS)
    at = serializers.DateTimeField()
    author = serializers.CharField(allow_null=True)
    text = serializers.CharField(allow_null=True, allow_blank=True)
    facts = serializers.DictField()


class IncidentAlertRow(serializers.Serializer[Any]):
    """One alert of the incident."""

    id = serializers.UUIDField()
    rule = serializers.CharField()
    count = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class BehindRow(serializers.Serializer[Any]):
    """One event behind the incident: its id leads to its details and proof."""

    id = serializers.UUIDField()
    event_type = serializers.CharField()
    outcome = serializers.CharField()
    occurred_at = serializers.DateTimeField()


class IncidentDetail(IncidentRow):
    """One incident with its timeline, its alerts and the newest events behind it."""

    timeline = EntryRow(many=True)
    incident_alerts = IncidentAlertRow(many=True)
    events = BehindRow(many=True)


def incident_row(read: selectors.ReadIncident) -> dict[str, Json]:
    """Return the incident with names beside its pseudonyms."""
    incident = read.incident
    about = incident.actor_pseudonym
    return {
        "id": str(incident.id),
        "number": incident.number,
        "label": incident.label,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "verdict": incident.verdict,
        "runbook": incident.runbook,
        "user_id": str(about) if about else None,
        "actor_name": read.actor_name,
        "alerts": read.alerts,
        "opened_at": incident.opened_at.isoformat(),
        "raised_at": incident.raised_at.isoformat(),
        "last_at": incident.last_at.isoformat(),
        "acknowledged_at": _moment(incident.acknowledged_at),
        "acknowledged_by": read.acknowledged_by,
        "resolved_at": _moment(incident.resolved_at),
        "resolved_by": read.resolved_by,
    }


def incident_detail(story: selectors.Story) -> dict[str, Json]:
    """Return the incident with everything that is shown of it."""
    return {
        **incident_row(story.read),
        "timeline": [_entry_row(line) for line in story.entries],
        "incident_alerts": [_alert_row(alert) for alert in story.alerts],
        "events": [
            {
                "id": str(read.event.event_id),
                "event_type": read.event.event_type,
                "outcome": read.event.outcome,
                "occurred_at": read.event.occurred_at.isoformat(),
            }
            for read in story.events
        ],
    }


def _entry_row(line: selectors.ReadEntry) -> dict[str, Json]:
    return {
        "id": str(line.entry.id),
        "kind": line.entry.kind,
        "at": line.entry.at.isoformat(),
        "author": line.author,
        "text": line.text,
        "facts": dict(line.entry.facts),
    }


def _alert_row(alert: Alert) -> dict[str, Json]:
    return {
        "id": str(alert.id),
        "rule": alert.rule,
        "count": alert.count,
        "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
    }


def _moment(at: Any) -> str | None:
    return at.isoformat() if at else None

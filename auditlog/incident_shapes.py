"""How an incident reads as JSON: in the API, and in what is handed to outsiders."""

from __future__ import annotations

from datetime import datetime

from auditlog import selectors
from auditlog.models import Alert
from chatsec.core.errors import Json


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


def incident_account(story: selectors.Story) -> dict[str, Json]:
    """Return the incident with its timeline and its alerts."""
    return {
        **incident_row(story.read),
        "timeline": [_entry_row(line) for line in story.entries],
        "incident_alerts": [_line_of(alert) for alert in story.alerts],
    }


def incident_detail(story: selectors.Story) -> dict[str, Json]:
    """Return the incident with everything that is shown of it."""
    return {
        **incident_account(story),
        "differences": len(story.differences),
        "difference_places": [row.place for row in story.differences],
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


def alert_row(read: selectors.ReadAlert) -> dict[str, Json]:
    """Return the alert with the name beside its pseudonym."""
    alert = read.alert
    return {
        "id": str(alert.id),
        "rule": alert.rule,
        "title": alert.title,
        "severity": alert.severity,
        "facts": alert.facts,
        "user_id": str(alert.actor_pseudonym) if alert.actor_pseudonym else None,
        "network": bytes(alert.group_hash).hex() if alert.group_hash else None,
        "actor_name": read.actor_name,
        "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
        "count": alert.count,
        "state": alert.state,
        "incident": str(alert.incident_id) if alert.incident_id else None,
        "created_at": alert.created_at.isoformat(),
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


def _line_of(alert: Alert) -> dict[str, Json]:
    return {
        "id": str(alert.id),
        "rule": alert.rule,
        "count": alert.count,
        "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

"""What the API takes and gives: parsed parameters, events and alerts as rows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from auditlog import selectors
from auditlog.constants import ALERT_STATES, CATEGORIES, OUTCOMES
from auditlog.models import Alert, Event
from auditlog.registry import event_types
from auditlog.shapes import ReadEvent, describe_read
from chatsec.core.errors import Json

MAX_PARAMETER = 200


class EventQuery(serializers.Serializer[Any]):
    """The parameters of an event search."""

    actor = serializers.CharField(required=False, max_length=MAX_PARAMETER)
    type = serializers.CharField(required=False, max_length=MAX_PARAMETER)
    category = serializers.ChoiceField(required=False, choices=CATEGORIES)
    outcome = serializers.ChoiceField(required=False, choices=OUTCOMES)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    request_id = serializers.CharField(required=False, max_length=MAX_PARAMETER)
    resource = serializers.CharField(required=False, max_length=MAX_PARAMETER)

    def validate_type(self, name: str) -> str:
        """Refuse a type that no app registered."""
        if name not in event_types():
            raise serializers.ValidationError("There is no such event type.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a period that ends before it starts."""
        since, until = attrs.get("since"), attrs.get("until")
        if since and until and until < since:
            raise serializers.ValidationError({"until": ["Must not be before since."]})
        return attrs


class AlertQuery(serializers.Serializer[Any]):
    """The parameters of an alert list."""

    state = serializers.ChoiceField(required=False, choices=ALERT_STATES)


class EventRows(serializers.ListSerializer[Any]):
    """A page of events, opened and named together."""

    def to_representation(self, data: Any) -> list[Any]:
        """Return the rows with a constant number of queries."""
        return [event_row(read) for read in selectors.read_events(list(data))]


class EventRow(serializers.Serializer[Event]):
    """An event in its own shape, with what every event has beside it."""

    id = serializers.UUIDField()
    event_type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    user_id = serializers.UUIDField(allow_null=True)
    actor_name = serializers.CharField(allow_null=True)
    subject_name = serializers.CharField(allow_null=True)
    actor_kind = serializers.CharField()
    category = serializers.CharField()
    severity = serializers.CharField()
    outcome = serializers.CharField()
    channel = serializers.CharField()
    request_id = serializers.CharField()
    resource_type = serializers.CharField()
    resource_id = serializers.CharField()
    redacted = serializers.BooleanField()
    expires_at = serializers.DateTimeField()

    class Meta:
        list_serializer_class = EventRows


class EventDetail(EventRow):
    """One event with everything of it that still opens."""

    details = serializers.DictField()
    subject_details = serializers.DictField()


class AlertRows(serializers.ListSerializer[Any]):
    """A page of alerts, named together."""

    def to_representation(self, data: Any) -> list[Any]:
        """Return the rows with a constant number of queries."""
        return [_alert_row(read) for read in selectors.read_alerts(list(data))]


class AlertRow(serializers.Serializer[Alert]):
    """One alert."""

    id = serializers.UUIDField()
    rule = serializers.CharField()
    user_id = serializers.UUIDField()
    actor_name = serializers.CharField(allow_null=True)
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    count = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ALERT_STATES)
    created_at = serializers.DateTimeField()

    class Meta:
        list_serializer_class = AlertRows


def event_row(read: ReadEvent) -> dict[str, Json]:
    """Return the chapter's shape and, beside it, what every event has."""
    event = read.event
    return {
        "id": str(event.event_id),
        **describe_read(read),
        "actor_name": read.actor_name,
        "subject_name": read.subject_name,
        "actor_kind": event.actor_kind,
        "category": event.category,
        "severity": event.severity,
        "outcome": event.outcome,
        "channel": event.channel,
        "request_id": event.request_id,
        "resource_type": event.resource_type,
        "resource_id": event.resource_id,
        "redacted": event.redacted,
        "expires_at": event.expires_at.isoformat(),
    }


def event_detail(read: ReadEvent) -> dict[str, Json]:
    """Return the row with the opened details."""
    return {
        **event_row(read),
        "details": dict(read.details),
        "subject_details": dict(read.subject_details),
    }


def _alert_row(read: selectors.ReadAlert) -> dict[str, Json]:
    alert = read.alert
    return {
        "id": str(alert.id),
        "rule": alert.rule,
        "user_id": str(alert.actor_pseudonym),
        "actor_name": read.actor_name,
        "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
        "count": alert.count,
        "state": alert.state,
        "created_at": alert.created_at.isoformat(),
    }

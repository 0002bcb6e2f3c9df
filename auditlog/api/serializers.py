"""What the API takes and gives: parsed parameters, events and alerts as rows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from auditlog import selectors
from auditlog.constants import ALERT_STATES, CATEGORIES, OUTCOMES, SEVERITIES
from auditlog.incident_shapes import alert_row
from auditlog.models import Alert, Event
from auditlog.selectors.filters import CHANNELS, PERIODS
from auditlog.services.exporting import FORMATS
from auditlog.shapes import row_of
from chatsec.core.errors import Json


class FilterQuery(serializers.Serializer[Any]):
    """The parameters of a search, for the document; `read_filters` reads them."""

    actor = serializers.CharField(
        required=False, help_text="A user name, a user id, or a pseudonym."
    )
    type = serializers.CharField(required=False)
    category = serializers.ChoiceField(required=False, choices=CATEGORIES)
    outcome = serializers.ChoiceField(required=False, choices=OUTCOMES)
    severity = serializers.ChoiceField(required=False, choices=SEVERITIES)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    period = serializers.ChoiceField(
        required=False,
        choices=tuple(PERIODS),
        help_text="How far back from now; `since` beats it.",
    )
    request_id = serializers.CharField(required=False)
    resource = serializers.CharField(
        required=False, help_text="`type` or `type:id`, as events say it."
    )
    classification = serializers.CharField(required=False)
    channel = serializers.ChoiceField(required=False, choices=CHANNELS)
    same_session = serializers.UUIDField(
        required=False, help_text="An event's id: what happened in its session."
    )
    same_address = serializers.UUIDField(
        required=False, help_text="An event's id: what came from its address."
    )
    same_network = serializers.UUIDField(
        required=False, help_text="An event's id: what came from its network."
    )
    same_device = serializers.UUIDField(
        required=False, help_text="An event's id: what came from its device."
    )
    country = serializers.CharField(required=False, min_length=2, max_length=2)
    q = serializers.CharField(
        required=False, help_text="An event id, a request id, or who acted."
    )


class PageQuery(serializers.Serializer[Any]):
    """Which page of a list."""

    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200)


class EventQuery(FilterQuery, PageQuery):
    """A search, and which page of it."""


class ExportQuery(FilterQuery):
    """A search, and the file to make of it."""

    format = serializers.ChoiceField(
        required=False, choices=FORMATS, help_text="By default `jsonl`."
    )
    contents = serializers.ChoiceField(
        required=False,
        choices=("clear", "opened"),
        help_text="`opened` adds names and details; by default neither.",
    )


class AlertQuery(serializers.Serializer[Any]):
    """The parameters of an alert list."""

    state = serializers.ChoiceField(required=False, choices=ALERT_STATES)


class AlertPageQuery(AlertQuery, PageQuery):
    """All that an alert list is told."""


class EventRows(serializers.ListSerializer[Any]):
    """A page of events, opened and named together."""

    def to_representation(self, data: Any) -> list[Any]:
        """Return the rows with a constant number of queries."""
        return [row_of(read) for read in selectors.read_events(list(data))]


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
    country = serializers.CharField()
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


class EventPage(serializers.Serializer[Any]):
    """Events, newest first, with the addresses of the pages beside."""

    results = EventRow(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class BucketRow(serializers.Serializer[Any]):
    """How many events of each outcome fell into a span of time."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    success = serializers.IntegerField()
    failure = serializers.IntegerField()
    denied = serializers.IntegerField()
    error = serializers.IntegerField()


class CountsBody(serializers.Serializer[Any]):
    """Counts over a period, without a gap."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    step_seconds = serializers.IntegerField()
    total = serializers.IntegerField()
    buckets = BucketRow(many=True)


class AlertRows(serializers.ListSerializer[Any]):
    """A page of alerts, named together."""

    def to_representation(self, data: Any) -> list[Any]:
        """Return the rows with a constant number of queries."""
        return [alert_row(read) for read in selectors.read_alerts(list(data))]


class AlertRow(serializers.Serializer[Alert]):
    """One alert."""

    id = serializers.UUIDField()
    rule = serializers.CharField()
    title = serializers.CharField()
    severity = serializers.ChoiceField(choices=SEVERITIES)
    facts = serializers.DictField()
    user_id = serializers.UUIDField(allow_null=True)
    network = serializers.CharField(allow_null=True)
    actor_name = serializers.CharField(allow_null=True)
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    count = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ALERT_STATES)
    incident = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()

    class Meta:
        list_serializer_class = AlertRows


def counts_body(counts: selectors.Counts) -> dict[str, Json]:
    """Return the counts with their period."""
    return {
        "since": counts.since.isoformat(),
        "until": counts.until.isoformat(),
        "step_seconds": int(counts.step.total_seconds()),
        "total": counts.total,
        "buckets": [
            {
                "since": bucket.since.isoformat(),
                "until": bucket.until.isoformat(),
                **bucket.outcomes,
            }
            for bucket in counts.buckets
        ],
    }

"""What the API takes and gives about incidents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from auditlog import selectors
from auditlog.api.serializers import PageQuery
from auditlog.constants import (
    ENTRY_KINDS,
    INCIDENT_STATES,
    MAX_NOTE,
    SEVERITIES,
    VERDICTS,
)
from auditlog.incident_shapes import incident_row
from auditlog.models import Incident


class IncidentQuery(serializers.Serializer[Any]):
    """The parameters of a list of incidents."""

    state = serializers.ChoiceField(required=False, choices=INCIDENT_STATES)
    severity = serializers.ChoiceField(required=False, choices=SEVERITIES)


class IncidentPageQuery(IncidentQuery, PageQuery):
    """All that a list of incidents is told."""


class ResolveRequest(serializers.Serializer[Any]):
    """What it turned out to be."""

    verdict = serializers.ChoiceField(choices=VERDICTS)
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_NOTE, default=""
    )
    differences = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="Make so many differences between log and seals known, which `note`"
        " explains; 409 where the incident tells of another number.",
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

    # Between log and seals, that nobody has explained.
    differences = serializers.IntegerField()
    difference_places = serializers.ListField(child=serializers.CharField())
    timeline = EntryRow(many=True)
    incident_alerts = IncidentAlertRow(many=True)
    events = BehindRow(many=True)

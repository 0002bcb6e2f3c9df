"""What the API gives about one person, for the document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from auditlog.api.incident_serializers import IncidentRow
from auditlog.api.serializers import AlertRow, EventRow
from auditlog.constants import ASPECTS


class RoleRow(serializers.Serializer[Any]):
    """A role that the person has today."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF's own name too


class CountsRow(serializers.Serializer[Any]):
    """What counts as a usual day; a measure without enough days is left out."""

    queries = serializers.FloatField(required=False)
    records = serializers.FloatField(required=False)
    denials = serializers.FloatField(required=False)


class DayRow(serializers.Serializer[Any]):
    """What was asked, read and refused on one day, in the installation's zone."""

    on = serializers.DateField()
    queries = serializers.IntegerField()
    records = serializers.IntegerField()
    denials = serializers.IntegerField()


class HourRow(serializers.Serializer[Any]):
    """On how many of the days something was done in this hour."""

    hour = serializers.IntegerField(min_value=0, max_value=23)
    days = serializers.IntegerField()


class UnlikeDayRow(serializers.Serializer[Any]):
    """A day, and in what it was most unlike the person's own past."""

    on = serializers.DateField()
    aspect = serializers.ChoiceField(choices=ASPECTS)
    bits = serializers.FloatField()


class OriginRow(serializers.Serializer[Any]):
    """A network or device: its digest's first digits, and an event for searches."""

    digest = serializers.CharField()
    countries = serializers.ListField(child=serializers.CharField())
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    event = serializers.UUIDField(allow_null=True)


class PersonDetail(serializers.Serializer[Any]):
    """One person in the evidence; habits and `roles` as far as there are any."""

    user_id = serializers.UUIDField()
    actor_name = serializers.CharField(allow_null=True)
    is_erased = serializers.BooleanField()
    is_active = serializers.BooleanField(allow_null=True)
    is_service = serializers.BooleanField(allow_null=True)
    roles = RoleRow(
        many=True, allow_null=True, help_text="Null where you may not see roles."
    )
    first_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    time_zone = serializers.CharField()
    days = DayRow(many=True)
    usual_day = CountsRow()
    hours = HourRow(many=True)
    unlike_days = UnlikeDayRow(many=True)
    networks = OriginRow(many=True)
    devices = OriginRow(many=True)
    incidents = IncidentRow(many=True)
    alerts = AlertRow(many=True)
    events = EventRow(many=True)
    about = EventRow(
        many=True, help_text="What others did about the person, nobody signed in too."
    )

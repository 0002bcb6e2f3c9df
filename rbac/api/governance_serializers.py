"""Requests for roles and emergencies as JSON."""

from __future__ import annotations

from datetime import timedelta

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rbac.models import AccessRequest, BreakGlassActivation
from rbac.services.requests import LONGEST, SHORTEST


class AccessRequestInputSerializer(serializers.Serializer[AccessRequest]):
    """A wish for a role, for a while."""

    role = serializers.CharField(max_length=63)
    reason = serializers.CharField(max_length=500)
    duration_seconds = serializers.IntegerField(
        min_value=int(SHORTEST.total_seconds()), max_value=int(LONGEST.total_seconds())
    )

    def validate_duration_seconds(self, value: int) -> timedelta:
        """Return it as a duration."""
        return timedelta(seconds=value)


class AccessRequestSerializer(serializers.ModelSerializer[AccessRequest]):
    """A request with what became of it."""

    requester = serializers.CharField(source="requester.username")
    role = serializers.CharField(source="role.name")
    duration_seconds = serializers.SerializerMethodField()
    decided_by = serializers.CharField(
        source="decided_by.username", default=None, allow_null=True
    )
    valid_until = serializers.DateTimeField(
        source="assignment.valid_until", default=None, allow_null=True
    )

    class Meta:
        model = AccessRequest
        fields = (
            "id",
            "requester",
            "role",
            "reason",
            "duration_seconds",
            "state",
            "created_at",
            "expires_at",
            "decided_at",
            "decided_by",
            "decision_reason",
            "valid_until",
        )

    @extend_schema_field(int)
    def get_duration_seconds(self, row: AccessRequest) -> int:
        """Return how long the role is wanted."""
        return int(row.duration.total_seconds())


class ApproveSerializer(serializers.Serializer[None]):
    """A word to the requester, if there is one."""

    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class DenySerializer(serializers.Serializer[None]):
    """Why not."""

    reason = serializers.CharField(max_length=500)


class ActivationInputSerializer(serializers.Serializer[BreakGlassActivation]):
    """An emergency."""

    role = serializers.CharField(max_length=63)
    reason = serializers.CharField(max_length=500)


class ActivationSerializer(serializers.ModelSerializer[BreakGlassActivation]):
    """An emergency role that was taken."""

    user = serializers.CharField(source="user.username")
    role = serializers.CharField(source="role.name")

    class Meta:
        model = BreakGlassActivation
        fields = ("id", "user", "role", "reason", "started_at", "ends_at", "ended_at")

"""What keeps roles apart, who asked for which, and who broke the glass."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least
from django.utils import timezone
from uuid_utils.compat import uuid7

from rbac.models.roles import Assignment, Role


class SodRule(models.Model):
    """Nobody has both roles at once, directly or by inheritance."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role_a = models.ForeignKey(Role, models.CASCADE, related_name="+")
    role_b = models.ForeignKey(Role, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        default_permissions = ("view",)
        ordering = ("role_a__name", "role_b__name")
        verbose_name = "separation of duties"
        verbose_name_plural = "separation of duties"
        constraints: ClassVar = [
            models.UniqueConstraint(
                Least("role_a", "role_b"),
                Greatest("role_a", "role_b"),
                name="rbac_sodrule_once",
            ),
            models.CheckConstraint(
                condition=~Q(role_a=F("role_b")), name="rbac_sodrule_two_roles"
            ),
            models.CheckConstraint(
                condition=~Q(reason=""), name="rbac_sodrule_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role_a} and {self.role_b}"


class AccessRequest(models.Model):
    """Somebody asks for a role for a while; somebody else decides."""

    class State(models.TextChoices):
        OPEN = "open", "waiting"
        APPROVED = "approved", "approved"
        DENIED = "denied", "denied"
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="access_requests"
    )
    role = models.ForeignKey(Role, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500)
    duration = models.DurationField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    decision_reason = models.CharField(max_length=500, blank=True, default="")
    # Approving makes exactly this one.
    assignment = models.OneToOneField(
        Assignment, models.SET_NULL, null=True, related_name="access_request"
    )

    class Meta:
        default_permissions = ("view",)
        ordering = ("-created_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["requester", "role"],
                condition=Q(state="open"),
                name="rbac_accessrequest_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["cancelled", "expired"])
                | Q(decided_by__isnull=True)
                | ~Q(decided_by=F("requester")),
                name="rbac_accessrequest_decided_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} for {self.requester_id}"

    def is_open_at(self, now: datetime) -> bool:
        """Whether it still waits for a decision."""
        return self.state == self.State.OPEN and now < self.expires_at


class BreakGlassEligibility(models.Model):
    """Who may activate a break-glass role in an emergency; grants nothing by itself."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="break_glass_roles"
    )
    role = models.ForeignKey(Role, models.CASCADE, related_name="eligible")
    reason = models.CharField(max_length=500)
    valid_until = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-created_at", "-id")
        verbose_name_plural = "break-glass eligibilities"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "role"],
                condition=Q(revoked_at__isnull=True),
                name="rbac_breakglasseligibility_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} for {self.user_id}"


class BreakGlassActivation(models.Model):
    """One emergency: the assignment that it made is the power, this is the reason."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="break_glass_activations"
    )
    role = models.ForeignKey(Role, models.CASCADE, related_name="activations")
    reason = models.CharField(max_length=500)
    assignment = models.OneToOneField(
        Assignment, models.CASCADE, related_name="break_glass"
    )
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ("-started_at", "-id")

    def __str__(self) -> str:
        return f"{self.role_id} by {self.user_id}"

    def is_active_at(self, now: datetime) -> bool:
        """Whether the emergency lasts."""
        return self.ended_at is None and self.started_at <= now < self.ends_at

"""Who is told of incidents, by which way, and what is still to be told."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.constants import CHANNELS, DELIVERY_STATES, SEVERITIES
from auditlog.models.choices import choices
from auditlog.models.incident import Incident


class Route(models.Model):
    """One mailbox, chat room or program that hears of incidents."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    channel = models.CharField(max_length=10, choices=choices(CHANNELS))
    minimal_severity = models.CharField(
        max_length=12, choices=choices(SEVERITIES), default="warning"
    )
    # Sealed: the address of an incoming webhook is a secret by itself.
    address = models.BinaryField()
    # What both sides sign with; for signed webhooks only.
    secret = models.BinaryField(null=True)
    # When it is told; outside of these hours messages wait. Both empty: at any hour.
    starts_at = models.TimeField(null=True)
    ends_at = models.TimeField(null=True)
    weekdays_only = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    last_sent_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(channel__in=CHANNELS), name="route_channel_known"
            ),
            models.CheckConstraint(
                condition=models.Q(minimal_severity__in=SEVERITIES),
                name="route_severity_known",
            ),
            models.CheckConstraint(
                condition=models.Q(starts_at=None, ends_at=None)
                | models.Q(starts_at__isnull=False, ends_at__isnull=False),
                name="route_both_hours_or_none",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message about one incident to one route, until it is there or given up."""

    # Also the message's own id: the other side knows by it what it has already.
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    route = models.ForeignKey(
        Route, on_delete=models.CASCADE, related_name="deliveries"
    )
    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, related_name="deliveries"
    )
    # What happened since the last message: opened, escalated, reopened, resolved.
    reasons = models.JSONField(default=list)
    state = models.CharField(
        max_length=10, choices=choices(DELIVERY_STATES), default="pending"
    )
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    # What kind of failure the last one was: no address, no answer's words.
    last_error = models.CharField(max_length=80, blank=True)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state="pending"),
                name="delivery_due",
            ),
            models.Index(fields=["route", "-created_at"], name="delivery_by_route"),
        ]
        constraints = [
            # However much happens, one message waits: it says all of it.
            models.UniqueConstraint(
                fields=["route", "incident"],
                condition=models.Q(state="pending"),
                name="delivery_one_waits",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=DELIVERY_STATES),
                name="delivery_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.id}"

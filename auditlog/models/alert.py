"""What the detection rules found."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.constants import ALERT_STATES
from auditlog.models.choices import choices


class Alert(models.Model):
    """One episode of one person's behaviour that crossed a detection rule."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.CharField(max_length=60)
    # Rule, actor and start: the same episode found twice is one row.
    fingerprint = models.CharField(max_length=64, unique=True)
    actor_pseudonym = models.UUIDField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    state = models.CharField(
        max_length=12, choices=choices(ALERT_STATES), default="open"
    )
    created_at = models.DateTimeField()
    incident = models.ForeignKey(
        "auditlog.Incident",
        on_delete=models.SET_NULL,
        null=True,
        related_name="alerts",
    )

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["rule", "actor_pseudonym", "last_at"], name="alert_episode"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=ALERT_STATES), name="alert_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(last_at__gte=models.F("first_at")),
                name="alert_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} ({self.count})"

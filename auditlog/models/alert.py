"""What the detection rules found."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.constants import ALERT_STATES, SEVERITIES
from auditlog.models.choices import choices


class Alert(models.Model):
    """One episode of a person's, network's or everybody's that crossed a rule."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.CharField(max_length=60)
    # Rule, whose it is and start: the same episode found twice is one row.
    fingerprint = models.CharField(max_length=64, unique=True)
    # Neither where the rule looks at everybody together.
    actor_pseudonym = models.UUIDField(null=True)
    group_hash = models.BinaryField(null=True)
    severity = models.CharField(
        max_length=10, choices=choices(SEVERITIES), default="critical"
    )
    title = models.CharField(max_length=120, blank=True)
    # Numbers, names of rules and a mark over numbers only.
    facts = models.JSONField(default=dict)
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
            models.Index(
                fields=["actor_pseudonym", "-last_at"], name="alert_of_person"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=ALERT_STATES), name="alert_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(severity__in=SEVERITIES), name="alert_severity_known"
            ),
            models.CheckConstraint(
                condition=models.Q(actor_pseudonym=None) | models.Q(group_hash=None),
                name="alert_is_of_one",
            ),
            models.CheckConstraint(
                condition=models.Q(last_at__gte=models.F("first_at")),
                name="alert_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} ({self.count})"

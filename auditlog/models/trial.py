"""Rules tried over the past."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7

from auditlog.models.choices import choices
from auditlog.models.rule import DetectionRule

TRIAL_STATES = ("open", "done", "failed")


class RuleTrial(models.Model):
    """One rule looked for in a span of the past: how far it has come, what it found.

    What is found is kept part by part, so that a worker that is killed loses the part
    it was at; the next one goes on from there.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(DetectionRule, models.CASCADE, related_name="trials")
    # Another version would find something else: half of each is no answer.
    rule_version = models.PositiveIntegerField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+"
    )
    days = models.PositiveSmallIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    # Up to where it was looked, and the episodes found until there.
    looked_until = models.DateTimeField()
    findings = models.JSONField(default=list)
    state = models.CharField(
        max_length=8, choices=choices(TRIAL_STATES), default="open"
    )
    problem = models.CharField(max_length=200, blank=True)
    # Who is at it, and until when nobody else is.
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    # Tries since the last part that was finished.
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=TRIAL_STATES), name="trial_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    looked_until__gte=models.F("since"),
                    looked_until__lte=models.F("until"),
                ),
                name="trial_looks_within_its_span",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} over {self.days} days: {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look."""
        return self.state == "open"

    @property
    def percent(self) -> int:
        """Return how much of the span was looked through."""
        whole = (self.until - self.since).total_seconds()
        return int((self.looked_until - self.since).total_seconds() / whole * 100)

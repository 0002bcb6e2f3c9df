"""Detection rules, what is exempt from them, and how their scans went."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.constants import (
    LONGEST_EXCEPTION,
    LONGEST_WINDOW,
    RULE_GROUPS,
    RULE_KINDS,
    SEVERITIES,
)
from auditlog.models.choices import choices
from auditlog.rules.definition import RuleSpec


class DetectionRule(models.Model):
    """What the scan looks for, as a row that administrators can change."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Alerts keep the name, so it never changes.
    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    suspicion = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, choices=choices(RULE_KINDS))
    parameters = models.JSONField()
    window_seconds = models.PositiveIntegerField()
    group = models.CharField(max_length=10, choices=choices(RULE_GROUPS))
    severity = models.CharField(max_length=10, choices=choices(SEVERITIES))
    runbook = models.CharField(max_length=40, default="general")
    # Above 0 it opens no alert: so much is added to the person's risk.
    risk = models.PositiveSmallIntegerField(default=0)
    is_enabled = models.BooleanField(default=True)
    # Of the reference chapter: always on, never looser than it says.
    is_floor = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(is_floor=False) | Q(is_enabled=True, risk=0),
                name="rule_floor_is_on",
            ),
            models.CheckConstraint(condition=Q(risk__lte=100), name="rule_risk_to_100"),
            models.CheckConstraint(
                condition=Q(kind__in=RULE_KINDS) & Q(group__in=RULE_GROUPS),
                name="rule_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=SEVERITIES), name="rule_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    window_seconds__gte=1,
                    window_seconds__lte=int(LONGEST_WINDOW.total_seconds()),
                ),
                name="rule_window_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def spec(self) -> RuleSpec:
        """Return the rule as it is evaluated."""
        return RuleSpec(
            name=self.name,
            kind=self.kind,  # type: ignore[arg-type]  # the database holds the choices
            parameters=self.parameters,
            window=timedelta(seconds=self.window_seconds),
            group=self.group,  # type: ignore[arg-type]  # as above
            severity=self.severity,  # type: ignore[arg-type]  # as above
            title=self.title,
            suspicion=self.suspicion,
            runbook=self.runbook,
            risk=self.risk,
        )


class RuleException(models.Model):
    """Whose events a rule does not count for a while, and why."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(
        DetectionRule, on_delete=models.CASCADE, related_name="exceptions"
    )
    actor_pseudonym = models.UUIDField(null=True)
    network_hash = models.BinaryField(null=True)
    # Every account of this kind, such as "service".
    actor_kind = models.CharField(max_length=10, blank=True)
    # Sealed under the key of whom it is about, as notes on incidents are.
    reason_sealed = models.BinaryField()
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # From a floor rule it counts only once somebody else has approved it.
    approved_by = models.UUIDField(null=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None)
                | (~Q(approved_by=F("created_by")) & Q(approved_at__isnull=False)),
                name="exception_has_two_people",
            ),
            models.CheckConstraint(
                condition=(
                    Q(actor_pseudonym__isnull=False, network_hash=None, actor_kind="")
                    | Q(actor_pseudonym=None, network_hash__isnull=False, actor_kind="")
                    | Q(
                        actor_pseudonym=None,
                        network_hash=None,
                        actor_kind__in=["service", "user"],
                    )
                ),
                name="exception_is_of_one",
            ),
            models.CheckConstraint(
                condition=Q(
                    expires_at__gt=F("created_at"),
                    expires_at__lte=F("created_at") + LONGEST_EXCEPTION,
                ),
                name="exception_ends_within_a_year",
            ),
            models.CheckConstraint(
                condition=~Q(reason_sealed=b""), name="exception_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} until {self.expires_at:%Y-%m-%d}"


class RuleRun(models.Model):
    """How far a rule has been run, and how often it failed since."""

    rule = models.CharField(primary_key=True, max_length=60)
    scanned_until = models.DateTimeField(null=True)
    took_ms = models.FloatField(default=0)
    failures = models.PositiveIntegerField(default=0)
    # The kind of the error alone: its words may hold what was asked for.
    last_error = models.CharField(max_length=100, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.rule

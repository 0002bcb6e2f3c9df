"""Incidents: alerts that belong together, and what was done about them."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from auditlog.constants import ENTRY_KINDS, INCIDENT_STATES, SEVERITIES, VERDICTS
from auditlog.models.choices import choices

NUMBERS = "auditlog_incident_number"


def next_number() -> models.Func:
    """Return the next number of the sequence; a number is never given twice."""
    return models.Func(
        models.Value(NUMBERS),
        function="nextval",
        output_field=models.BigIntegerField(),
    )


class Incident(models.Model):
    """Alerts about one person or network within a day of each other, and their end.

    Times to acknowledge and to resolve count from `raised_at`: a reopened incident is
    a new task for somebody.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(unique=True, db_default=next_number())
    title = models.CharField(max_length=200)
    severity = models.CharField(max_length=12, choices=choices(SEVERITIES))
    state = models.CharField(
        max_length=12, choices=choices(INCIDENT_STATES), default="open"
    )
    verdict = models.CharField(max_length=16, choices=choices(VERDICTS), blank=True)
    runbook = models.CharField(max_length=40)
    # Whom it is about: "actor:", "network:" or "rule:" and a pseudonym, digest or name.
    fingerprint = models.CharField(max_length=120)
    actor_pseudonym = models.UUIDField(null=True)
    opened_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    # When the newest behaviour behind it was seen.
    last_at = models.DateTimeField()
    # Handlers are known by their pseudonyms, as in the event log.
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.UUIDField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.UUIDField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["fingerprint", "-last_at"], name="incident_about"),
            models.Index(fields=["state", "-id"], name="incident_by_state"),
            models.Index(fields=["raised_at"], name="incident_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=INCIDENT_STATES),
                name="incident_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(severity__in=SEVERITIES),
                name="incident_severity_known",
            ),
            # Who looks at the state knows the rest: no half-resolved incident exists.
            models.CheckConstraint(
                condition=models.Q(state="open", acknowledged_at=None)
                | models.Q(state="acknowledged", acknowledged_at__isnull=False)
                | models.Q(state="resolved", acknowledged_at__isnull=False),
                name="incident_acknowledged_when",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state="resolved", resolved_at__isnull=False, verdict__in=VERDICTS
                )
                | (
                    ~models.Q(state="resolved") & models.Q(resolved_at=None, verdict="")
                ),
                name="incident_resolved_with_verdict",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.title}"

    @property
    def label(self) -> str:
        """Return what people call it."""
        return f"INC-{self.number}"


class IncidentEntry(models.Model):
    """One line of an incident's story; lines are added and never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, related_name="entries"
    )
    kind = models.CharField(max_length=16, choices=choices(ENTRY_KINDS))
    at = models.DateTimeField()
    # Who wrote it; nobody where the system did.
    actor_pseudonym = models.UUIDField(null=True)
    alert = models.ForeignKey(
        "auditlog.Alert", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # Machine words and numbers only; never a name, an address or what somebody typed.
    facts = models.JSONField(default=dict)
    # A note, sealed under the key of the person that the incident is about.
    text = models.BinaryField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=ENTRY_KINDS), name="entry_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"

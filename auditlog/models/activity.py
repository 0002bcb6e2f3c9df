"""What is usual for somebody: activity by the hour, baselines made from it, risk."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from auditlog.constants import HOUR_CLASSES, METRICS
from auditlog.models.choices import choices

ACTIVITY = "activity"


class ActorHour(models.Model):
    """What one pseudonym did within one hour, as counts."""

    id = models.BigAutoField(primary_key=True)
    actor_pseudonym = models.UUIDField()
    hour = models.DateTimeField()
    queries = models.PositiveIntegerField(default=0)
    records = models.PositiveBigIntegerField(default=0)
    resources = models.PositiveIntegerField(default=0)
    denials = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    # Those of the failures that came from a network which is unknown with the person.
    strangers = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            # With what slow rises add up: hours of one person lie far apart in the
            # table, and next to each other here.
            models.UniqueConstraint(
                fields=["actor_pseudonym", "hour"],
                include=["queries", "records"],
                name="actor_hour_once",
            ),
        ]
        indexes = [
            models.Index(fields=["hour"], name="actor_hour_time"),
            models.Index(
                fields=["hour"],
                condition=Q(strangers__gt=0),
                name="actor_hour_strangers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_pseudonym} {self.hour:%Y-%m-%d %H}"


class ActorBaseline(models.Model):
    """Median and spread of one measure in one part of the week, as log(1 + x).

    Without a pseudonym it is everybody's. Of "activity" only `n` says something: in how
    many hours of that part of the week somebody was seen.
    """

    id = models.BigAutoField(primary_key=True)
    actor_pseudonym = models.UUIDField(null=True)
    metric = models.CharField(max_length=10, choices=choices((*METRICS, ACTIVITY)))
    hour_class = models.CharField(max_length=10, choices=choices(HOUR_CLASSES))
    median = models.FloatField()
    mad = models.FloatField()
    ewma = models.FloatField()
    n = models.PositiveIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["actor_pseudonym", "metric", "hour_class"],
                name="actor_baseline_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(mad__gte=0), name="actor_baseline_spread"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_pseudonym or 'everybody'} {self.metric} {self.hour_class}"


class KnownPlace(models.Model):
    """From and until when one pseudonym has acted from one network, without long gaps.

    `last_at` is true to the hour, so that nobody's row is written each minute.
    """

    id = models.BigAutoField(primary_key=True)
    actor_pseudonym = models.UUIDField()
    network_hash = models.BinaryField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["actor_pseudonym", "network_hash"], name="known_place_once"
            ),
        ]
        indexes = [
            models.Index(fields=["network_hash"], name="known_place_network"),
            models.Index(fields=["first_at"], name="known_place_first"),
            models.Index(fields=["last_at"], name="known_place_last"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_pseudonym} {bytes(self.network_hash).hex()}"


class RiskSignal(models.Model):
    """The latest time that a weak rule found something about one pseudonym."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    actor_pseudonym = models.UUIDField()
    rule = models.CharField(max_length=60)
    weight = models.PositiveSmallIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["actor_pseudonym", "rule"], name="risk_signal_once"
            ),
        ]
        indexes = [models.Index(fields=["last_at"], name="risk_signal_time")]

    def __str__(self) -> str:
        return f"{self.rule} {self.actor_pseudonym}"

"""What somebody does day by day, and how unlike his own past each day was."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from auditlog.constants import ASPECTS, COUNTED
from auditlog.models.choices import choices


class ActorDay(models.Model):
    """How often one pseudonym did one thing on one day, in the installation's zone.

    Of "reads" the value is the record set, of "refusals" the permission, of "hours" the
    hour of the day, of "acts" the type of event, of "given" the role that was given to
    this person.
    """

    id = models.BigAutoField(primary_key=True)
    actor_pseudonym = models.UUIDField()
    day = models.DateField()
    aspect = models.CharField(max_length=10, choices=choices(COUNTED))
    value = models.CharField(max_length=200)
    n = models.PositiveIntegerField()
    is_program = models.BooleanField(default=False)
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["actor_pseudonym", "day", "aspect", "value"],
                name="actor_day_once",
            ),
        ]
        indexes = [models.Index(fields=["day"], name="actor_day_time")]

    def __str__(self) -> str:
        return f"{self.actor_pseudonym} {self.day} {self.aspect} {self.value}"


class ActorSurprise(models.Model):
    """How unlike the person's own past the days up to one were, in bits an aspect.

    `days` is how many of them: who stays inconspicuous in one is not in seven.
    """

    id = models.BigAutoField(primary_key=True)
    actor_pseudonym = models.UUIDField()
    day = models.DateField()
    days = models.PositiveSmallIntegerField()
    reads = models.FloatField(default=0)
    refusals = models.FloatField(default=0)
    hours = models.FloatField(default=0)
    acts = models.FloatField(default=0, db_default=0)
    is_program = models.BooleanField(default=False)
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["actor_pseudonym", "day", "days"], name="actor_surprise_once"
            ),
        ]
        indexes = [
            models.Index(fields=["day"], name="actor_surprise_day"),
            models.Index(fields=["last_at"], name="actor_surprise_time"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_pseudonym} {self.day} in {self.days} days"


class SurpriseScale(models.Model):
    """How surprising everybody's days are: what one in 50 exceeds, and by how much."""

    id = models.BigAutoField(primary_key=True)
    aspect = models.CharField(max_length=10, choices=choices(ASPECTS))
    days = models.PositiveSmallIntegerField()
    exceeded = models.FloatField()
    excess = models.FloatField()
    n = models.PositiveIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["aspect", "days"], name="surprise_scale_once"
            ),
            models.CheckConstraint(
                condition=Q(excess__gt=0), name="surprise_scale_has_excess"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.aspect} in {self.days} days"

"""How long each kind of data is kept, what was deleted, and what must stay."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class RetentionPolicy(models.Model):
    """How many days one kind of data is kept."""

    key = models.SlugField(primary_key=True, max_length=64)
    title = models.CharField(max_length=120)
    days = models.PositiveIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        ordering = ("key",)
        verbose_name_plural = "retention policies"
        constraints = (
            # Zero days would delete today's rows by a slip of the hand.
            models.CheckConstraint(
                name="privacy_retention_at_least_a_day", condition=Q(days__gte=1)
            ),
        )

    def __str__(self) -> str:
        return f"{self.title}: {self.days} days"


class RetentionRun(models.Model):
    """One daily deletion, or the preview of one, with its counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_dry_run = models.BooleanField()
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    # Per model: rows deleted; null where a preview cannot be counted.
    counts = models.JSONField(default=dict)
    # Per model: why it was not done.
    failures = models.JSONField(default=dict)
    held_subjects = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class LegalHold(models.Model):
    """While it stands, nothing of this person is deleted (Article 17(3)(e))."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject_id = models.UUIDField(db_index=True)
    matter = models.CharField(
        max_length=120, help_text="The file number, not the story"
    )
    placed_by = models.UUIDField()
    placed_at = models.DateTimeField(default=timezone.now)
    released_by = models.UUIDField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                name="privacy_one_standing_hold_per_matter",
                fields=("subject_id", "matter"),
                condition=Q(released_at__isnull=True),
            ),
            models.CheckConstraint(
                name="privacy_hold_released_after_placed",
                condition=Q(released_at__isnull=True)
                | Q(released_at__gte=F("placed_at")),
            ),
        )

    def __str__(self) -> str:
        return self.matter

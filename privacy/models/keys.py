"""One data key and one pseudonym for each person."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class SubjectKey(models.Model):
    """The key that everything about one person is sealed with, wrapped.

    The row outlives the person, so it has no foreign key to the user: it remembers that
    the key was destroyed, and no second one is ever made under the same id.
    """

    subject_id = models.UUIDField(primary_key=True, editable=False)
    wrapped_key = models.BinaryField(default=bytes)
    kek_epoch = models.PositiveIntegerField(db_index=True)
    pseudonym = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "subject key"
        constraints = (
            models.CheckConstraint(
                name="privacy_destroyed_key_is_empty",
                condition=Q(destroyed_at__isnull=True) | Q(wrapped_key=b""),
            ),
        )

    def __str__(self) -> str:
        return str(self.pseudonym)

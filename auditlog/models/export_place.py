"""Who is taking events out of the log right now."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7


class ExportPlace(models.Model):
    """The place of one export that runs; it counts until its lease ends.

    The process that reads renews it. One that was killed, or whose reader is gone
    without a word, does not, and what it held is free again by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    leased_until = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"until {self.leased_until:%H:%M:%S}"

"""What a check found to differ between the log and its seals."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7


class LogDifference(models.Model):
    """One difference that an incident tells of, and whether somebody explained it.

    Both marks are keyed: who reaches the database behind the application cannot have a
    difference counted as told of, nor as explained. It is known for as long as the
    incident with its explanation is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(
        "auditlog.Incident", on_delete=models.CASCADE, related_name="differences"
    )
    # Kind, seal, event and a digest of what is there now, in a line.
    line = models.CharField(max_length=300)
    found_at = models.DateTimeField()
    found_mark = models.BinaryField(max_length=32)
    known_mark = models.BinaryField(max_length=32, null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["line"], name="log_difference_line")]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "line"], name="log_difference_once"
            ),
        ]

    def __str__(self) -> str:
        return self.place

    @property
    def place(self) -> str:
        """Return what differs and where, without the digest."""
        return self.line.rpartition(" ")[0]

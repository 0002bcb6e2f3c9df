"""Which groups' figures a person was shown lately, without saying whose they are."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7


class ReleasedGroup(models.Model):
    """One group of an aggregate answer, as keyed digests of its units and people.

    The key differs from reader to reader and is not in the database, so that the rows
    neither name anybody nor can be compared with those of another reader.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    # Of which relation, in units of which columns.
    relation_digest = models.BinaryField(max_length=32, editable=False)
    basis_digest = models.BinaryField(max_length=32, editable=False)
    group_digest = models.BinaryField(max_length=32, editable=False)
    # 8 bytes for each unit, 8 for the person that it is of.
    members = models.BinaryField(editable=False)
    persons = models.PositiveIntegerField(editable=False)
    released_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "relation_digest", "basis_digest", "group_digest"],
                name="released_group_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

"""Searches that people keep."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7

from chatsec.core.crypto import Place, blind_index, open_for, seal_for

MAX_NAME = 80


def name_digest(name: str) -> bytes:
    """Return the digest under which equal names meet, however they are cased."""
    return blind_index("auditlog.saved_search", name.casefold())


class SavedSearch(models.Model):
    """Filters under a name: its owner's alone, or shown to every auditor."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+"
    )
    # Free text about people, perhaps: sealed under the owner's key.
    name_sealed = models.BinaryField()
    name_index = models.BinaryField(max_length=32)
    # Words of the search by name; a person among them by pseudonym.
    words = models.JSONField(default=dict)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        verbose_name_plural = "saved searches"
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name_index"], name="saved_search_one_per_name"
            )
        ]

    def __str__(self) -> str:
        return f"saved search {self.id}"

    @property
    def name(self) -> str:
        """Return the name, opened."""
        return open_for(self.owner_id, bytes(self.name_sealed), place=self._place())

    @name.setter
    def name(self, text: str) -> None:
        self.name_sealed = seal_for(self.owner_id, text, place=self._place())
        self.name_index = name_digest(text)

    def _place(self) -> Place:
        return Place("auditlog.SavedSearch", "name_sealed", self.id)

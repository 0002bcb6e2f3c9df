"""What people are told about their own accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from accounts import notices
from chatsec.core.crypto import Place, open_for, seal_for

LINK_MAILED = _("A link for this was mailed.")


class Notice(models.Model):
    """One thing that happened to an account: mailed, and listed as recent activity."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    kind = models.CharField(max_length=32)
    facts_sealed = models.BinaryField(editable=False)
    # Where it goes if not to the account's own address.
    address_sealed = models.BinaryField(null=True, editable=False)
    # A single-use link, blank again once it is mailed or given up.
    link_sealed = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    # When the next try is due; null once it is mailed or given up.
    due_at = models.DateTimeField(null=True, default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False),
                name="accounts_notice_due",
            ),
            models.Index(fields=["user", "-created_at"], name="accounts_notice_of"),
            models.Index(fields=["created_at"], name="accounts_notice_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"

    @property
    def facts(self) -> Mapping[str, str]:
        """What the text names, opened with the person's key."""
        found: dict[str, str] = json.loads(self._opened("facts_sealed"))
        return found

    @facts.setter
    def facts(self, value: Mapping[str, str]) -> None:
        self.facts_sealed = self._sealed("facts_sealed", json.dumps(dict(value)))

    @property
    def link(self) -> str:
        """The single-use link; empty once it is mailed."""
        return self._opened("link_sealed") if self.link_sealed else ""

    @link.setter
    def link(self, value: str) -> None:
        self.link_sealed = self._sealed("link_sealed", value) if value else None

    @property
    def address(self) -> str:
        """Where it is mailed to."""
        if self.address_sealed is None:
            return self.user.email
        return self._opened("address_sealed")

    @address.setter
    def address(self, value: str) -> None:
        self.address_sealed = self._sealed("address_sealed", value)

    @property
    def title(self) -> str:
        """What happened, in a few words."""
        return notices.kind_of(self.kind).title

    @property
    def text(self) -> str:
        """What happened, in full; of a mail that carries a link only that it went."""
        kind = notices.kind_of(self.kind)
        return str(LINK_MAILED) if kind.has_link else kind.words(self.facts)

    def _place(self, column: str) -> Place:
        return Place("accounts_notice", column, self.id)

    def _sealed(self, column: str, text: str) -> bytes:
        return seal_for(self.user_id, text, place=self._place(column))

    def _opened(self, column: str) -> str:
        blob = bytes(getattr(self, column))
        return open_for(self.user_id, blob, place=self._place(column))

"""Single-use links to an account, known by digest only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from chatsec.core.crypto import Place, open_for, seal_for


class AccountToken(models.Model):
    """A link that was mailed: one account, one purpose, deleted when it is used."""

    class Purpose(models.TextChoices):
        INVITATION = "invitation", "Invitation"
        RESET = "reset", "Password reset"
        EMAIL_CHANGE = "email_change", "Change of e-mail address"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    # What the account was like when the link was made: another password or another
    # address since, and the link is dead.
    state_digest = models.BinaryField(max_length=32, editable=False)
    # The address that waits for its confirmation.
    email_sealed = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose="email_change", email_sealed__isnull=False)
                | models.Q(
                    purpose__in=["invitation", "reset"], email_sealed__isnull=True
                ),
                name="accounts_token_address_where_it_changes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.user_id}"

    @property
    def email(self) -> str:
        """The address that waits, opened with the person's key; "" where none does."""
        if self.email_sealed is None:
            return ""
        sealed = bytes(self.email_sealed)
        return open_for(self.user_id, sealed, place=self._email_place())

    @email.setter
    def email(self, value: str) -> None:
        self.email_sealed = seal_for(self.user_id, value, place=self._email_place())

    def _email_place(self) -> Place:
        return Place("accounts_accounttoken", "email_sealed", self.id)

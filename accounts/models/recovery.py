"""Recovery codes: for the day on which the phone is lost."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.utils import timezone
from django_otp.models import Device
from uuid_utils.compat import uuid7

from accounts.constants import RECOVERY_CODE_ALPHABET, RECOVERY_CODE_LENGTH
from chatsec.core.crypto import blind_index

# What people write for what the alphabet leaves out (Crockford's base 32).
_MISREADINGS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def fold_recovery_code(text: str) -> str | None:
    """Return the one spelling of a recovery code, or None for what is none."""
    if not text.isascii():
        return None  # upper() would make letters of what is none
    folded = text.upper().replace("-", "").replace(" ", "").translate(_MISREADINGS)
    is_one = len(folded) == RECOVERY_CODE_LENGTH and all(
        letter in RECOVERY_CODE_ALPHABET for letter in folded
    )
    return folded if is_one else None


def recovery_code_digest(user_id: UUID, folded: str) -> bytes:
    """Return the keyed digest by which a code is known.

    A code has 120 bits, so a plain keyed hash is enough (OWASP ASVS 5.0, 6.5.2).
    """
    return blind_index("accounts.recovery_code", f"{user_id}:{folded}")


class RecoverySheet(Device):
    """A person's recovery codes, as one factor. Asked last, and only while one is left.

    The row stays when codes are made anew: a browser that it verified stays verified.
    """

    kind = "recovery_code"
    name = "Recovery codes"

    handle = models.UUIDField(default=uuid7, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "recovery codes"
        verbose_name_plural = "recovery codes"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user"], name="accounts_recovery_sheet"),
        ]

    def verify_token(self, token: str) -> bool:
        """Spend the code if it is one of these and was not spent.

        Call it only through django_otp.match_token, which holds the row's lock.
        """
        folded = fold_recovery_code(token)
        if folded is None:
            return False
        now = timezone.now()
        spent = self.codes.filter(
            digest=recovery_code_digest(self.user_id, folded), used_at__isnull=True
        ).update(used_at=now)
        if spent:
            self.last_used_at = now
            self.save(update_fields=["last_used_at"])
        return bool(spent)

    def count_left(self) -> int:
        """Return how many codes are not spent."""
        left: int = self.codes.filter(used_at__isnull=True).count()
        return left


class RecoveryCode(models.Model):
    """One code, known by digest only; spent when it is used."""

    sheet = models.ForeignKey(
        RecoverySheet, on_delete=models.CASCADE, related_name="codes"
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"recovery code {'spent' if self.used_at else 'unspent'}"

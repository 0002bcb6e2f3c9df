"""Passkeys (W3C WebAuthn level 3), as factors of django_otp."""

from __future__ import annotations

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django_otp.models import Device
from uuid_utils.compat import uuid7
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from accounts.models.names import sealed_name
from chatsec.core.crypto import Place, blind_index, open_for, seal_for


def credential_digest(credential_id: bytes) -> bytes:
    """Return the keyed digest by which a passkey is found."""
    return blind_index("accounts.passkey", bytes_to_base64url(credential_id))


def user_handle(user_id: UUID) -> bytes:
    """Return what a passkey knows its person by: it tells nobody else who that is."""
    return blind_index("accounts.passkey_user", str(user_id))


class Passkey(Device):
    """A key pair whose private half stays in the person's device."""

    kind = "passkey"
    name = sealed_name("accounts_passkey", otherwise="Passkey")

    handle = models.UUIDField(default=uuid7, unique=True, editable=False)
    name_sealed = models.BinaryField(null=True, editable=False)
    credential_index = models.BinaryField(max_length=32, unique=True, editable=False)
    credential_id_sealed = models.BinaryField(editable=False)
    public_key_sealed = models.BinaryField(editable=False)
    transports = ArrayField(
        models.CharField(max_length=16), default=list, editable=False
    )
    # Grows with each use where the device counts; one that falls back is a copy.
    sign_count = models.PositiveBigIntegerField(default=0, editable=False)
    is_synced = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "passkey"

    def verify_token(self, token: str) -> bool:
        """Take no code: a passkey answers challenges (`services.passkeys`)."""
        return False

    @property
    def credential_id(self) -> bytes:
        """The id by which the person's device finds the key."""
        return self._opened("credential_id_sealed")

    @credential_id.setter
    def credential_id(self, value: bytes) -> None:
        self.credential_id_sealed = self._sealed("credential_id_sealed", value)
        self.credential_index = credential_digest(value)

    @property
    def public_key(self) -> bytes:
        """The public half, as a COSE key (RFC 9052)."""
        return self._opened("public_key_sealed")

    @public_key.setter
    def public_key(self, value: bytes) -> None:
        self.public_key_sealed = self._sealed("public_key_sealed", value)

    def _sealed(self, column: str, value: bytes) -> bytes:
        return seal_for(
            self.user_id, bytes_to_base64url(value), place=self._place(column)
        )

    def _opened(self, column: str) -> bytes:
        sealed = bytes(getattr(self, column))
        return base64url_to_bytes(
            open_for(self.user_id, sealed, place=self._place(column))
        )

    def _place(self, column: str) -> Place:
        return Place("accounts_passkey", column, self.handle)

"""Second factors, verified only through django_otp (which locks the row)."""

from __future__ import annotations

import re
import time
from base64 import b32encode
from typing import ClassVar
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_otp.models import Device
from django_otp.oath import TOTP
from uuid_utils.compat import uuid7

from accounts.constants import TOTP_STEP_SECONDS, TOTP_TOLERANCE_STEPS
from accounts.models.names import sealed_name
from chatsec.core.crypto import Place, open_for, seal_for

# ASCII digits only: int() would take full-width digits, spaces and underscores.
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


def is_code(text: str) -> bool:
    """Whether the text has the form of a one-time code."""
    return _CODE.fullmatch(text) is not None


class TOTPFactor(Device):
    """An authenticator app (RFC 6238). The secret is sealed under its user's key."""

    kind = "totp"
    name = sealed_name("accounts_totpfactor", otherwise="Authenticator app")

    handle = models.UUIDField(default=uuid7, unique=True, editable=False)
    name_sealed = models.BinaryField(null=True, editable=False)
    secret_sealed = models.BinaryField(editable=False)
    # Codes of this time step and before are spent (RFC 6238 section 5.2).
    last_step = models.BigIntegerField(default=-1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "authenticator app"
        constraints: ClassVar = [
            # An enrolment that was not finished is replaced, not piled up.
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(confirmed=False),
                name="accounts_totp_one_unconfirmed",
            ),
        ]

    @property
    def secret(self) -> bytes:
        """The shared secret, opened with the person's key."""
        text = open_for(
            self.user_id, bytes(self.secret_sealed), place=self._secret_place()
        )
        return bytes.fromhex(text)

    @secret.setter
    def secret(self, value: bytes) -> None:
        self.secret_sealed = seal_for(
            self.user_id, value.hex(), place=self._secret_place()
        )

    def _secret_place(self) -> Place:
        return Place("accounts_totpfactor", "secret_sealed", self.handle)

    @property
    def secret_base32(self) -> str:
        """The secret as authenticator apps take it."""
        return b32encode(self.secret).decode()

    def provisioning_uri(self) -> str:
        """Return the otpauth URI that an app reads from a QR code."""
        issuer = settings.CHATSEC_ORGANISATION.replace(":", "")
        label = quote(f"{issuer}:{self.user.get_username()}")
        parameters = {
            "secret": self.secret_base32,
            "issuer": issuer,
            "algorithm": "SHA1",
            "digits": 6,
            "period": TOTP_STEP_SECONDS,
        }
        return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"

    def verify_token(self, token: str) -> bool:
        """Spend the code and every older one if it is right (one step of tolerance).

        Call it only through django_otp.match_token, which holds the row's lock.
        """
        if not is_code(token):
            return False
        totp = self._clock()
        if not totp.verify(
            int(token), tolerance=TOTP_TOLERANCE_STEPS, min_t=self.last_step + 1
        ):
            return False
        self.last_step = totp.t()
        self.last_used_at = timezone.now()
        self.save(update_fields=["last_step", "last_used_at"])
        return True

    def is_spent(self, token: str) -> bool:
        """Whether the code is right for a moment whose codes are used up."""
        if not is_code(token):
            return False
        totp = self._clock()
        matched = totp.verify(int(token), tolerance=TOTP_TOLERANCE_STEPS)
        return bool(matched and totp.t() <= self.last_step)

    def seconds_to_fresh_code(self) -> int:
        """Return how long until the app shows a code that was not used."""
        fresh_at = (self.last_step + 1) * TOTP_STEP_SECONDS
        return max(1, int(fresh_at - time.time()) + 1)

    def _clock(self) -> TOTP:
        totp = TOTP(self.secret, step=TOTP_STEP_SECONDS)
        totp.time = time.time()
        return totp

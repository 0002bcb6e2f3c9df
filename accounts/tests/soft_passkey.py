"""An authenticator in software: the other half of the ceremony, byte by byte.

W3C WebAuthn level 3, sections 6.1 (authenticator data) and 6.5 (attestation).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from hashlib import sha256
from secrets import token_bytes
from typing import Any
from urllib.parse import urlsplit

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from accounts.models import User
from accounts.selectors import has_second_factor
from accounts.services import enrolment, proof
from accounts.tests.factories import make_session

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class SoftPasskey:
    """One key pair of one person; attributes can be bent to make it lie."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = token_bytes(32)
        self.user_handle: bytes | None = None
        self.count = 0
        self.origin = settings.CHATSEC_PUBLIC_URL
        self.host = str(urlsplit(self.origin).hostname)
        self.flags = PRESENT | VERIFIED
        self.counts = True
        self.kind: str | None = None
        self.challenge: str | None = None

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create(options)`."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        attestation = cbor2.dumps(
            {"fmt": "none", "attStmt": {}, "authData": self._data(attested=True)}
        )
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options),
            "attestationObject": bytes_to_base64url(attestation),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.get(options)`."""
        client_data = self._client_data("webauthn.get", options)
        data = self._data(attested=False)
        signed = data + sha256(base64url_to_bytes(client_data)).digest()
        signature = self.key.sign(signed, ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": client_data,
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
        }
        if self.user_handle is not None:
            response["userHandle"] = bytes_to_base64url(self.user_handle)
        return self._credential(response)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        own_id = bytes_to_base64url(self.credential_id)
        return {
            "id": own_id,
            "rawId": own_id,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }

    def _client_data(self, kind: str, options: Mapping[str, Any]) -> str:
        text = json.dumps(
            {
                "type": self.kind or kind,
                "challenge": self.challenge or options["challenge"],
                "origin": self.origin,
                "crossOrigin": False,
            }
        )
        return bytes_to_base64url(text.encode())

    def _data(self, *, attested: bool) -> bytes:
        if self.counts:
            self.count += 1
        flags = self.flags | (ATTESTED if attested else 0)
        head = sha256(self.host.encode()).digest() + struct.pack(
            ">BI", flags, self.count
        )
        return head + (self._attested() if attested else b"")

    def _attested(self) -> bytes:
        point = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: point.x.to_bytes(32, "big"),
            -3: point.y.to_bytes(32, "big"),
        }
        length = struct.pack(">H", len(self.credential_id))
        return bytes(16) + length + self.credential_id + cbor2.dumps(cose)


def set_up_passkey(user: User, *, name: str = "laptop") -> SoftPasskey:
    """Return a passkey that the user has set up as anybody would."""
    has_factor = has_second_factor(user)
    session = make_session(user, stepped_up=has_factor)
    if not has_factor:
        proof.record_password_confirmation(session)
    asked = enrolment.begin_passkey(session)
    device = SoftPasskey()
    enrolment.finish_passkey(
        session, asked.question_id, device.create(asked.options), name=name
    )
    return device

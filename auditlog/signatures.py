"""Signed messages: the other side can tell who sent which one, and when.

As Standard Webhooks 1.0 has it (standardwebhooks.com): HMAC-SHA256, under the key that
both sides hold, of the message's id, the seconds and the body, with a dot between. The
id is signed too: who catches a message cannot send it again as another one.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

MESSAGE_ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32


def new_secret() -> str:
    """Return a secret as receivers' libraries take it: the prefix, and the key."""
    return PREFIX + b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the key of a secret; without the prefix the text itself is the key.

    Raise ValueError where no Base64 follows the prefix.
    """
    if secret.startswith(PREFIX):
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    return secret.encode()


def sign(body: bytes, *, secret: str, message_id: str, seconds: int) -> str:
    """Return the value of the signature's header."""
    signed = f"{message_id}.{seconds}.".encode() + body
    digest = hmac.new(key_of(secret), signed, sha256).digest()
    return f"v1,{b64encode(digest).decode()}"


def signed_headers(
    body: bytes, *, secret: str, delivery_id: UUID, at: datetime
) -> dict[str, str]:
    """Return the headers that show who sent this message, and when."""
    message_id, seconds = str(delivery_id), int(at.timestamp())
    return {
        MESSAGE_ID: message_id,
        TIMESTAMP: str(seconds),
        SIGNATURE: sign(body, secret=secret, message_id=message_id, seconds=seconds),
    }

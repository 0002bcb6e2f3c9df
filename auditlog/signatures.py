"""Signed messages: the other side can tell who sent them, and when.

The header is `X-Chatsec-Signature: t=<seconds>,v1=<hex>`: HMAC-SHA256, under the secret
that both sides hold, of the seconds, a dot and the body. While a secret is being
changed there may be one `v1` for each.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

SIGNATURE: Final = "X-Chatsec-Signature"
DELIVERY: Final = "X-Chatsec-Delivery"


def sign(body: bytes, *, secret: str, at: datetime) -> str:
    """Return the value of the signature header."""
    seconds = int(at.timestamp())
    signed = b"%d.%s" % (seconds, body)
    digest = hmac.new(secret.encode(), signed, sha256).hexdigest()
    return f"t={seconds},v1={digest}"

"""Messages to other systems over HTTP: signed, and never assumed to have arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from auditlog.signatures import signed_headers
from chatsec.core import outbound
from chatsec.core.outbound import OutboundFailed

JSON_TYPE = "application/json"
# The answer is not used; one that does not end is not waited for.
MAX_ANSWER = 64 * 1024


class Endpoint(NamedTuple):
    """Where signed messages go, and the secret that both sides hold."""

    url: str
    secret: str


class Receipt(NamedTuple):
    """What the other side answered."""

    delivery_id: UUID
    status: int
    at: datetime


def post_signed(
    endpoint: Endpoint,
    body: bytes,
    *,
    delivery_id: UUID,
    content_type: str = JSON_TYPE,
) -> Receipt:
    """Post the body and return once the other side took it (any 2xx).

    Raise OutboundRefused where the address may not be called and OutboundFailed where
    no 2xx came back. Try again with the same `delivery_id`: it is how the other side
    knows a message that it has already.
    """
    now = timezone.now()
    headers = signed_headers(
        body, secret=endpoint.secret, delivery_id=delivery_id, at=now
    )
    headers["Content-Type"] = content_type
    return Receipt(delivery_id, post(endpoint.url, body, headers=headers), now)


def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
    """Post the body as it is; return the status, a 2xx, or raise as `post_signed`."""
    answer = outbound.request(
        "POST", url, data=body, headers=headers, max_bytes=MAX_ANSWER
    )
    # A redirect without an address is none to the client, and no success either.
    if answer.status_code // 100 != 2:
        raise OutboundFailed(f"status {answer.status_code}")
    return answer.status_code

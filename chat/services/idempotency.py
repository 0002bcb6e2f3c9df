"""An Idempotency-Key is answered once, however often and however fast it is sent."""

from __future__ import annotations

import math
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from chat.constants import (
    IDEMPOTENCY_LEASE,
    IDEMPOTENCY_VALID_FOR,
    MAX_IDEMPOTENCY_KEY,
)
from chat.errors import InFlight, KeyReused
from chat.models import Conversation, IdempotencyRecord
from chat.models.pending import IdempotencyState
from chatsec.core import crypto
from chatsec.core.errors import Invalid


def begin(
    conversation: Conversation, *, key: str, body: str, now: datetime
) -> IdempotencyRecord:
    """Return the record of this key: new and in flight, or answered before.

    Raises InFlight while the first request runs, KeyReused for another body.
    """
    if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not key.isprintable():
        raise Invalid("Idempotency-Key has 1 to 255 printable characters.")
    digests = _digest("key", key), _digest("body", body)
    try:
        with transaction.atomic():
            return _create(conversation, *digests, now=now)
    except IntegrityError:
        return _found(conversation, *digests, now=now)


def finish(record_id: UUID, *, message_id: UUID, pending_id: UUID | None) -> None:
    """Bind the answer to its key, in the transaction that keeps the answer."""
    IdempotencyRecord.objects.filter(id=record_id).update(
        state=IdempotencyState.ANSWERED, message_id=message_id, pending_id=pending_id
    )


def abandon(record_id: UUID) -> None:
    """Free the key of a request that got no answer, for another try."""
    IdempotencyRecord.objects.filter(
        id=record_id, state=IdempotencyState.IN_FLIGHT
    ).delete()


def _digest(kind: str, value: str) -> bytes:
    """Return a keyed digest: a short text is guessed from a plain one."""
    return crypto.blind_index(f"idempotency-{kind}", value)


def _create(
    conversation: Conversation, key: bytes, body: bytes, *, now: datetime
) -> IdempotencyRecord:
    return IdempotencyRecord.objects.create(
        conversation=conversation,
        key_digest=key,
        body_digest=body,
        state=IdempotencyState.IN_FLIGHT,
        locked_until=now + IDEMPOTENCY_LEASE,
        expires_at=now + IDEMPOTENCY_VALID_FOR,
    )


def _found(
    conversation: Conversation, key: bytes, body: bytes, *, now: datetime
) -> IdempotencyRecord:
    with transaction.atomic():
        record = (
            IdempotencyRecord.objects.select_for_update()
            .filter(conversation=conversation, key_digest=key)
            .first()
        )
        if record is None:
            raise InFlight(1)
        if record.expires_at <= now:
            record.delete()
            return _create(conversation, key, body, now=now)
        if bytes(record.body_digest) != body:
            raise KeyReused("This Idempotency-Key came with another message before.")
        if record.state == IdempotencyState.ANSWERED:
            return record
        return _taken_over(record, now=now)


def _taken_over(record: IdempotencyRecord, *, now: datetime) -> IdempotencyRecord:
    """Take the place of a request that died; wait for one that may still live."""
    if record.locked_until > now:
        raise InFlight(math.ceil((record.locked_until - now).total_seconds()))
    record.locked_until = now + IDEMPOTENCY_LEASE
    record.save(update_fields=["locked_until"])
    return record

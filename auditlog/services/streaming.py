"""Sealed events to other systems: in the order of the chain, each at least once.

What a stream sends next is decided and written down before it is sent. If this process
dies in between, another sends the same events again under the same id; nothing is
passed over, because the place in the chain moves only after the other side took the
batch. No transaction is open while one waits for an answer: it would hold back the
sealer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events, formats, selectors
from auditlog.formats import Format
from auditlog.models import EventStream
from auditlog.selectors.sealed import (
    Mark,
    Sealed,
    end_of_chain,
    events_in_order,
    sealed_between,
    sealed_from,
)
from auditlog.services.deliveries import Endpoint, post_signed
from auditlog.services.recording import Target, record
from auditlog.shapes import ReadEvent
from auditlog.signatures import new_secret
from chatsec.core.outbound import OutboundFailed, OutboundRefused

logger = logging.getLogger(__name__)
BATCH: Final = 200
# Longer than a call can last, so that two never send one stream at once.
LEASE: Final = timedelta(seconds=60)
LONGEST_WAIT: Final = timedelta(minutes=15)
# After so many tries in a row somebody should look at it.
TRIES_BEFORE_ALARM: Final = 5


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch that this process has the lease for."""

    stream: EventStream
    lease: UUID
    batch_id: UUID
    ids: Sequence[tuple[UUID, int]]


def due_streams(*, now: datetime) -> list[UUID]:
    """Return the streams that may be pushed now."""
    rows = EventStream.objects.filter(is_enabled=True).exclude(next_at__gt=now)
    return list(rows.order_by("id").values_list("id", flat=True))


def push(stream_id: UUID, *, most: int = 50) -> int:
    """Deliver what waits, up to `most` batches; return how many were taken.

    It ends at the first failure; the stream then waits, longer each time.
    """
    taken = 0
    while taken < most and (batch := take_batch(stream_id, now=timezone.now())):
        if not _deliver(batch):
            break
        taken += 1
    return taken


def take_batch(stream_id: UUID, *, now: datetime) -> Batch | None:
    """Return the next batch, leased and written down; None where there is none."""
    with transaction.atomic():
        rows = EventStream.objects.select_for_update(skip_locked=True)
        ready = rows.filter(pk=stream_id, is_enabled=True).exclude(next_at__gt=now)
        stream = ready.exclude(leased_until__gt=now).first()
        if stream is None:
            return None
        found = _next_of(stream)
        if not found:
            return None
        stream.lease, stream.leased_until = uuid7(), now + LEASE
        stream.save()
    ids = [(each.event_id, each.seal_number) for each in found]
    return Batch(stream, stream.lease, stream.batch_id or stream.lease, ids)


def _next_of(stream: EventStream) -> list[Sealed]:
    """Return the events of the batch on its way, or of a new one."""
    here = Mark(stream.seal_number, stream.position)
    if stream.batch_id is not None:
        end = Mark(stream.batch_seal_number or 0, stream.batch_position or 0)
        return sealed_between(here, end)
    found = sealed_from(here, most=BATCH)
    if found:
        stream.batch_id = uuid7()
        stream.batch_seal_number, stream.batch_position = found[-1].after
    return found


def _deliver(batch: Batch) -> bool:
    """Send the batch and note what became of it; whether it was taken."""
    stream = batch.stream
    try:
        post_signed(
            Endpoint(stream.url, stream.secret),
            body_of(batch),
            delivery_id=batch.batch_id,
            content_type=formats.MEDIA_TYPES[_format(stream)],
        )
    except OutboundRefused:
        return _settle(batch, error="address refused")
    except OutboundFailed as failure:
        return _settle(batch, error=failure.reason)
    except Exception as error:
        # What this stream cannot send must not keep the others from sending.
        logger.exception("a batch of events could not be made")
        return _settle(batch, error=type(error).__name__)
    return _settle(batch)


def body_of(batch: Batch) -> bytes:
    """Return the events of the batch, each with the number of its seal."""
    seal_of = dict(batch.ids)
    found = events_in_order([event_id for event_id, _ in batch.ids])
    if batch.stream.contents == "opened":
        reads = selectors.read_events(found)
    else:
        reads = [ReadEvent(event, {}, {}, None, None) for event in found]
    return formats.encode_sealed(
        [(read, seal_of[read.event.event_id]) for read in reads],
        _format(batch.stream),
    )


def _settle(batch: Batch, *, error: str = "") -> bool:
    """Move on, or wait; nothing if another process has taken over meanwhile."""
    now = timezone.now()
    with transaction.atomic():
        rows = EventStream.objects.select_for_update()
        stream = rows.filter(pk=batch.stream.pk, lease=batch.lease).first()
        if stream is None:
            return False
        stream.lease = stream.leased_until = None
        if error:
            _wait(stream, error, now=now)
        else:
            _move_on(stream, len(batch.ids), now=now)
        stream.save()
    return not error


def _move_on(stream: EventStream, count: int, *, now: datetime) -> None:
    stream.seal_number = stream.batch_seal_number or stream.seal_number
    stream.position = stream.batch_position or 0
    stream.batch_id = stream.batch_seal_number = stream.batch_position = None
    stream.tries, stream.next_at, stream.last_error = 0, None, ""
    stream.delivered_at, stream.delivered = now, stream.delivered + count


def _wait(stream: EventStream, error: str, *, now: datetime) -> None:
    stream.tries += 1
    stream.next_at = now + backoff(stream.tries)
    stream.last_error = error[:80]
    if stream.tries == TRIES_BEFORE_ALARM:
        record(
            events.STREAM_FAILING,
            outcome="failure",
            target=_target(stream),
            details={"tries": stream.tries, "error_type": stream.last_error},
        )


def backoff(tries: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    return min(timedelta(seconds=2 ** min(tries, 12)), LONGEST_WAIT)


def save_stream(stream: EventStream, *, from_beginning: bool = False) -> str | None:
    """Keep what was set; return the secret of a new stream, which is shown once.

    A new one begins behind the last seal, or with the first that there is.
    """
    secret = None
    if stream._state.adding:  # noqa: SLF001 - Django's documented API
        secret = stream.secret = new_secret()
        stream.created_at = timezone.now()
        start = Mark(1) if from_beginning else end_of_chain()
        stream.seal_number, stream.position = start
    with transaction.atomic():
        _save_settings(stream)
        record(
            events.STREAM_CHANGED,
            target=_target(stream),
            details={
                "format": stream.format,
                "contents": stream.contents,
                "enabled": stream.is_enabled,
                "new": secret is not None,
            },
        )
    return secret


def delete_stream(stream: EventStream) -> None:
    """Send nothing any more, and forget the address and how far it came."""
    with transaction.atomic():
        record(
            events.STREAM_CHANGED,
            target=_target(stream),
            details={"deleted": True, "seal": stream.seal_number},
        )
        stream.delete()


def send_test(stream: EventStream) -> str:
    """Send one line that is no event; return what went wrong, or nothing."""
    try:
        post_signed(
            Endpoint(stream.url, stream.secret),
            b'{"test":"chatsec event stream"}\n',
            delivery_id=uuid7(),
            content_type=formats.MEDIA_TYPES[_format(stream)],
        )
    except OutboundRefused:
        return "address refused"
    except OutboundFailed as failure:
        return failure.reason
    return ""


def _save_settings(stream: EventStream) -> None:
    """Write what people set and nothing of what a running delivery writes."""
    if stream._state.adding:  # noqa: SLF001 - Django's documented API
        stream.save(force_insert=True)
        return
    stream.next_at = None
    stream.save(
        update_fields=[
            "name",
            "url_sealed",
            "format",
            "contents",
            "is_enabled",
            "next_at",
        ]
    )


def _target(stream: EventStream) -> Target:
    return Target("auditlog.EventStream", stream.id, stream.name)


def _format(stream: EventStream) -> Format:
    return cast("Format", stream.format)

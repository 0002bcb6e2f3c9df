"""What was sealed arrives at least once and in order, whatever dies on the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from auditlog.models import Event, EventStream, Seal
from auditlog.selectors.sealed import Mark, lag_behind
from auditlog.services import sealer, streaming
from auditlog.services.deliveries import Endpoint, post_signed
from auditlog.services.seal_chain import batched_ids
from auditlog.signatures import MESSAGE_ID, TIMESTAMP, signed_headers
from auditlog.tasks import push_streams
from auditlog.tests.factories import make_actor, make_event
from auditlog.tests.streams.receiver import Receiver

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)


def make_stream(receiver: Receiver, **more: Any) -> EventStream:
    stream = EventStream(**{"name": "SIEM", "format": "jsonl", **more})
    stream.url = receiver.url
    streaming.save_stream(stream, from_beginning=True)
    return stream


def chain() -> list[str]:
    """Return the ids of all sealed events, in the order of the chain."""
    seals = Seal.objects.filter(event_ids__isnull=False).order_by("number")
    return [
        str(event_id)
        for seal in seals
        for event_id in map(_uuid, batched_ids(bytes(seal.event_ids or b"")))
    ]


def _uuid(raw: bytes) -> UUID:
    return UUID(bytes=raw)


def retry_now(stream: EventStream) -> None:
    """Let the time pass that the stream waits, and leases of the dead run out."""
    past = timezone.now() - timedelta(seconds=1)
    rows = EventStream.objects.filter(pk=stream.pk)
    rows.filter(next_at__isnull=False).update(next_at=past)
    rows.filter(leased_until__isnull=False).update(leased_until=past)


def drained(stream: EventStream, *, tries: int = 200) -> None:
    for _ in range(tries):
        stream.refresh_from_db()
        if lag_behind(Mark(stream.seal_number, stream.position)).events == 0:
            return
        retry_now(stream)
        streaming.push(stream.id)
    pytest.fail("the stream did not come to its end")


def test_only_what_is_sealed_leaves(receiver: Receiver) -> None:
    stream = make_stream(receiver)
    make_event()

    assert streaming.push(stream.id) == 0
    sealer.seal_pending()
    assert streaming.push(stream.id) == 1

    (call,) = receiver.taken
    assert call.ids == chain()
    assert streaming.push(stream.id) == 0


def test_a_batch_is_signed_and_has_an_id(receiver: Receiver) -> None:
    stream = make_stream(receiver)
    make_event()
    sealer.seal_pending()

    streaming.push(stream.id)

    (call,) = receiver.taken
    expected = signed_headers(
        call.body,
        secret=stream.secret,
        delivery_id=UUID(call.headers[MESSAGE_ID]),
        at=datetime.fromtimestamp(int(call.headers[TIMESTAMP]), tz=UTC),
    )
    assert call.headers.items() >= expected.items()
    assert {line["seal"] for line in call.lines} <= set(
        Seal.objects.values_list("number", flat=True)
    )


def test_every_event_comes_once_and_in_order(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BATCH", 3)
    stream = make_stream(receiver)
    for _ in range(4):
        for _ in range(4):
            make_event(actor=make_actor())
        sealer.seal_pending()

    streaming.push(stream.id)

    assert [each for call in receiver.taken for each in call.ids] == chain()
    assert len(receiver.taken) > 4


def test_a_receiver_that_fails_at_random_loses_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BATCH", 3)
    faults = cycle(
        ["after", "status", "", "before", "", "after", "after", "", "status"]
    )
    receiver.fault = lambda: next(faults)
    stream = make_stream(receiver)
    for number in range(10):
        for _ in range(number % 4):
            make_event()
        sealer.seal_pending()
        streaming.push(stream.id)
    receiver.fault = lambda: next(faults)

    drained(stream)

    firsts = {call.headers[MESSAGE_ID]: call for call in receiver.taken}
    assert [each for call in firsts.values() for each in call.ids] == chain()
    # What came twice is the same batch, to the byte.
    for call in receiver.taken:
        assert call.body == firsts[call.headers[MESSAGE_ID]].body
    assert len(receiver.taken) > len(firsts)


def test_a_sender_that_dies_is_followed_by_the_same_batch(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead after the other side took the batch, and before that was noted."""
    stream = make_stream(receiver)
    make_event()
    sealer.seal_pending()
    batch = streaming.take_batch(stream.id, now=timezone.now())
    assert batch is not None
    post_signed(
        Endpoint(stream.url, stream.secret),
        streaming.body_of(batch),
        delivery_id=batch.batch_id,
    )
    make_event()
    sealer.seal_pending()

    assert streaming.push(stream.id) == 0  # the dead one still has the lease
    retry_now(stream)
    # With another size, the batch on its way stays what it was.
    monkeypatch.setattr(streaming, "BATCH", 1)
    drained(stream)

    first, second, *rest = receiver.taken
    assert second.body == first.body
    assert second.headers[MESSAGE_ID] == first.headers[MESSAGE_ID]
    assert first.ids + [each for call in rest for each in call.ids] == chain()


def test_who_comes_back_from_the_dead_moves_nothing(receiver: Receiver) -> None:
    stream = make_stream(receiver)
    make_event()
    sealer.seal_pending()
    late = streaming.take_batch(stream.id, now=timezone.now())
    assert late is not None
    retry_now(stream)
    assert streaming.push(stream.id) == 1
    make_event()
    sealer.seal_pending()

    assert not streaming._settle(late)

    assert streaming.push(stream.id) == 1
    assert [each for call in receiver.taken for each in call.ids] == chain()


def test_many_workers_at_once_send_each_batch_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BATCH", 2)
    stream = make_stream(receiver)
    for _ in range(20):
        make_event()
    sealer.seal_pending()

    def work(_: int) -> None:
        streaming.push(stream.id)
        connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    drained(stream)

    assert [each for call in receiver.taken for each in call.ids] == chain()


def test_it_waits_longer_each_time_and_raises_an_alarm_once(
    receiver: Receiver,
) -> None:
    receiver.fault = lambda: "status"
    stream = make_stream(receiver)
    make_event()
    sealer.seal_pending()
    waits = []

    for _ in range(streaming.TRIES_BEFORE_ALARM + 2):
        retry_now(stream)
        before = timezone.now()
        assert streaming.push(stream.id) == 0
        assert streaming.push(stream.id) == 0  # not due
        stream.refresh_from_db()
        assert stream.next_at is not None
        waits.append(stream.next_at - before)

    assert waits == sorted(waits)
    assert stream.last_error == "status 500"
    assert Event.objects.filter(event_type="auditlog.stream_failing").count() == 1
    assert receiver.taken == []


def test_a_stream_that_cannot_be_opened_waits_and_stops_no_other(
    receiver: Receiver,
) -> None:
    broken = make_stream(receiver)
    sound = make_stream(receiver, name="other")
    EventStream.objects.filter(pk=broken.pk).update(url_sealed=sound.url_sealed)
    make_event()
    sealer.seal_pending()

    assert push_streams() == 1

    broken.refresh_from_db()
    assert (broken.tries, broken.last_error) == (1, "DecryptionFailed")
    assert len(receiver.taken) == 1


def test_an_address_inside_is_never_called(receiver: Receiver, settings: Any) -> None:
    settings.CHATSEC_OUTBOUND_ALLOWED = frozenset()
    stream = make_stream(receiver)
    make_event()
    sealer.seal_pending()

    assert streaming.push(stream.id) == 0

    stream.refresh_from_db()
    assert stream.last_error == "address refused"
    assert receiver.taken == []


def test_names_and_details_leave_only_if_the_stream_opens_them(
    receiver: Receiver, alice: Any
) -> None:
    clear = make_stream(receiver)
    make_event(actor=make_actor(alice), details={"intent": "own_data"})
    sealer.seal_pending()
    streaming.push(clear.id)
    clear.contents, clear.format = "opened", "ocsf"
    streaming.save_stream(clear)
    make_event(actor=make_actor(alice), details={"intent": "own_data"})
    sealer.seal_pending()
    streaming.push(clear.id)

    before, after = receiver.taken
    assert b"own_data" not in before.body
    assert b"alice" not in before.body
    assert b"own_data" in after.body
    assert after.lines[0]["metadata"]["version"] == "1.8.0"


def test_a_stream_that_is_off_sends_nothing(receiver: Receiver) -> None:
    stream = make_stream(receiver, is_enabled=False)
    make_event()
    sealer.seal_pending()

    assert streaming.due_streams(now=timezone.now()) == []
    assert streaming.push(stream.id) == 0
    assert lag_behind(Mark(stream.seal_number, stream.position)).events == len(chain())


def test_a_new_stream_begins_behind_the_last_seal(receiver: Receiver) -> None:
    make_event()
    sealer.seal_pending()
    stream = EventStream(name="SIEM", format="jsonl")
    stream.url = receiver.url
    assert streaming.save_stream(stream) == stream.secret
    last = make_event()
    sealer.seal_pending()

    streaming.push(stream.id)

    (call,) = receiver.taken
    assert str(last.event_id) in call.ids
    assert len(call.ids) == 2  # the change of the stream, and that


def test_address_and_secret_are_sealed(receiver: Receiver) -> None:
    stream = EventStream.objects.get(pk=make_stream(receiver).pk)

    assert receiver.url.encode() not in bytes(stream.url_sealed)
    assert stream.url == receiver.url
    assert len(stream.secret) >= 40

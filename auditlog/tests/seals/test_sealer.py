"""The sealer takes every committed event exactly once, slow writers included."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.utils import timezone

from auditlog import events
from auditlog.models import Alert, Event, Seal
from auditlog.proofs import canonical
from auditlog.selectors import is_sealed
from auditlog.services import record, sealer
from auditlog.services.refusals import on_own_connection
from auditlog.services.seal_chain import Window, batched_ids, header_of
from auditlog.services.verification import verify_log
from auditlog.tests.factories import (
    make_actor,
    make_event,
    make_first_version_event,
)
from chatsec.core import context
from chatsec.core.context import RequestContext

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)


def sealed_ids() -> list[UUID]:
    rows = Seal.objects.filter(event_ids__isnull=False).order_by("number")
    return [
        UUID(bytes=each)
        for seal in rows
        for each in batched_ids(bytes(seal.event_ids or b""))
    ]


def all_ids() -> set[UUID]:
    return set(Event.objects.values_list("event_id", flat=True))


def test_it_begins_with_its_key_and_its_cluster() -> None:
    make_event()

    sealer.seal_pending()

    kinds = list(Seal.objects.order_by("number").values_list("kind", flat=True))
    assert kinds == ["key", "epoch", "events"]


def test_it_seals_every_event_once() -> None:
    for _ in range(3):
        make_event(actor=make_actor())
        sealer.seal_pending()
    sealer.seal_pending()

    found = sealed_ids()

    assert len(found) == len(set(found))
    assert set(found) == all_ids()


def test_it_waits_for_a_slow_writer_and_takes_him_then() -> None:
    with transaction.atomic():
        slow = make_event()
        fast = on_own_connection(make_event)
        sealer.seal_pending()
        assert slow.event_id not in sealed_ids()
        assert fast.event_id not in sealed_ids()

    sealer.seal_pending()

    assert {slow.event_id, fast.event_id} <= set(sealed_ids())


def test_the_database_hashes_as_the_code_does() -> None:
    somewhere = RequestContext(ip="192.0.2.7", devices=("mark",))
    with context.bound(somewhere):
        event = make_event(
            actor=make_actor(),
            details={"note": "é"},
            result_count=7,
            classification="x",
        )
    with connections["retention"].cursor() as cursor:
        cursor.execute("SET timezone = 'Asia/Tokyo'")
    row = Event.objects.get(event_id=event.event_id)

    batch = sealer.batch_in(Window(row.epoch, row.xid, row.xid + 1))

    assert batch.leaves == leaf_of(row, canonical.COLUMNS)


def test_the_database_hashes_events_of_the_first_version_as_they_were() -> None:
    row = make_first_version_event()

    batch = sealer.batch_in(Window(row.epoch, row.xid, row.xid + 1))

    assert batch.leaves == leaf_of(row, canonical.FIRST_COLUMNS)


def leaf_of(row: Event, columns: tuple[str, ...]) -> bytes:
    values = [getattr(row, name) for name in columns]
    plain = [bytes(v) if isinstance(v, memoryview) else v for v in values]
    return canonical.leaf(plain)


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_backlog_is_sealed_in_batches(monkeypatch: Any, at_once: int) -> None:
    monkeypatch.setattr(sealer, "SEAL_EVENTS", 4)
    monkeypatch.setattr(sealer, "FIRST_LOOK", 1)
    monkeypatch.setattr(sealer, "FURTHER", 2)
    for _ in range(6):
        with transaction.atomic():
            for _ in range(at_once):
                record(events.CHATBOT_QUERY)
        # A transaction that leaves no event.
        Alert.objects.filter(count=0).update(count=0)

    sealer.seal_pending()

    found = sealed_ids()
    assert len(found) == 6 * at_once == len(all_ids())
    assert set(found) == all_ids()
    counts = [seal.count for seal in Seal.objects.filter(kind="events")]
    assert max(counts) <= 4
    assert verify_log().is_clean


def test_a_transaction_that_is_too_large_is_sealed_whole(monkeypatch: Any) -> None:
    monkeypatch.setattr(sealer, "SEAL_EVENTS", 2)
    with transaction.atomic():
        for _ in range(7):
            record(events.CHATBOT_QUERY)
    record(events.CHATBOT_QUERY)

    sealer.seal_pending()

    assert sorted(seal.count for seal in Seal.objects.filter(kind="events")) == [1, 7]
    assert verify_log().is_clean


def test_silence_is_sealed_too() -> None:
    sealer.seal_pending()
    before = Seal.objects.count()

    sealer.seal_pending(now=timezone.now() + timedelta(minutes=2))

    assert Seal.objects.count() == before + 1
    assert Seal.objects.latest("number").kind == "heartbeat"


def test_a_clock_that_was_ahead_leaves_no_silence_behind() -> None:
    now = timezone.now()
    sealer.seal_pending(now=now + timedelta(days=3))
    assert not is_sealed()

    sealer.seal_pending(now=now)
    sealer.seal_pending(now=now + timedelta(seconds=30))
    sealer.seal_pending(now=now + timedelta(seconds=90))

    beats = Seal.objects.filter(kind="heartbeat").order_by("number")
    assert [seal.made_at for seal in beats] == [now, now + timedelta(seconds=90)]
    assert {seal.sealed_at for seal in beats} == {now + timedelta(days=3)}
    assert is_sealed()
    assert verify_log().is_clean


def test_the_chain_is_numbered_chained_and_timed_forward() -> None:
    make_event()
    sealer.seal_pending()
    make_event()
    sealer.seal_pending(now=timezone.now() - timedelta(days=1))

    seals = list(Seal.objects.order_by("number"))

    assert [seal.number for seal in seals] == list(range(1, len(seals) + 1))
    for one, other in pairwise(seals):
        assert bytes(other.previous) == bytes(one.head) == header_of(one).head()
        assert other.sealed_at >= one.sealed_at

"""The events of one transaction are one statement, and nobody can tell otherwise."""

# ruff: noqa: PT012 - what raises is a transaction with all that is in it

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, Error, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from auditlog import events
from auditlog.errors import DetailsTooLarge, PartitionMissing
from auditlog.models import Alert, Event
from auditlog.services import inserting, record, record_refusal
from auditlog.services.inserting import write_with_transaction
from auditlog.services.refusals import on_own_connection
from auditlog.services.rows import build_row
from auditlog.tests.factories import make_actor

committing = pytest.mark.django_db(transaction=True)
pytestmark = pytest.mark.django_db


def stored() -> set[UUID]:
    """Return what is committed: read by somebody else."""
    return on_own_connection(
        lambda: set(Event.objects.values_list("event_id", flat=True))
    )


def note(**evidence: Any) -> UUID:
    return record(events.DATA_ACCESS, **evidence)


def far_away() -> None:
    """Record something of a time that no partition takes."""
    later = timezone.now() + timedelta(days=5 * 366)
    write_with_transaction(build_row(events.DATA_ACCESS, {}, occurred_at=later))


def impossible() -> None:
    """Record a row that a constraint of the table refuses."""
    row = build_row(events.DATA_ACCESS, {}, occurred_at=timezone.now())
    write_with_transaction(row._replace(expires_at=row.occurred_at))


def make_alert(count: int = 1) -> Alert:
    now = timezone.now()
    return Alert.objects.create(
        rule="test",
        fingerprint=f"test-{count}",
        actor_pseudonym=UUID(int=1),
        first_at=now,
        last_at=now,
        count=count,
        created_at=now,
    )


def inserts(captured: CaptureQueriesContext) -> list[str]:
    sent = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in sent if sql.startswith("INSERT INTO auditlog_event")]


@committing
def test_a_transaction_writes_its_events_with_one_statement() -> None:
    actor = make_actor()
    note(actor=actor)  # the key exists and is cached

    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        made = {note(actor=actor, details={"n": n}) for n in range(5)}
        assert inserts(captured) == []

    assert len(inserts(captured)) == 1
    assert made <= stored()


@committing
def test_outside_of_a_transaction_each_is_written_at_once() -> None:
    assert note() in stored()


@committing
def test_a_rollback_takes_them_along() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        note()
        raise ZeroDivisionError
    kept = note()

    with transaction.atomic():
        note()
        transaction.set_rollback(True)

    assert stored() == {kept}


@committing
def test_a_savepoint_takes_its_own_along_and_no_others() -> None:
    with transaction.atomic():
        before = note()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            note()
            with transaction.atomic():
                note()
            raise ZeroDivisionError
        between = note()
        with transaction.atomic():
            inside = note()
        after = note()

    assert stored() == {before, between, inside, after}


@committing
def test_savepoints_by_hand_count_as_well() -> None:
    with transaction.atomic():
        before = note()
        one = transaction.savepoint()
        note()
        other = transaction.savepoint()
        note()
        transaction.savepoint_rollback(other)
        note()
        transaction.savepoint_rollback(one)
        after = note()

    assert stored() == {before, after}


@committing
def test_a_read_between_two_savepoints_loses_nothing() -> None:
    with transaction.atomic():
        before = note()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            note()
            assert Event.objects.count() == 2
            raise ZeroDivisionError
        assert list(Event.objects.values_list("event_id", flat=True)) == [before]

    assert stored() == {before}


def test_who_reads_in_the_transaction_sees_them() -> None:
    with transaction.atomic():
        event_id = note(details={"n": 1})

        assert Event.objects.filter(event_id=event_id).exists()
        other = note()
        assert other in {event.event_id for event in Event.objects.iterator()}
        third = note()
        with connection.cursor() as cursor:
            cursor.execute("SELECT event_id FROM auditlog_event")
            assert third in {found for (found,) in cursor.fetchall()}


@pytest.mark.parametrize(
    ("wrong", "error"), [(far_away, PartitionMissing), (impossible, IntegrityError)]
)
@committing
def test_what_cannot_be_written_stops_the_commit(wrong: Any, error: Any) -> None:
    ran: list[str] = []

    with pytest.raises(error), transaction.atomic():
        make_alert()
        transaction.on_commit(lambda: ran.append("hook"))
        note()
        wrong()

    assert not Alert.objects.exists()
    assert stored() == set()
    with transaction.atomic():
        kept = note()
    assert stored() == {kept}
    assert ran == []


@pytest.mark.parametrize(
    ("wrong", "error"), [(far_away, PartitionMissing), (impossible, IntegrityError)]
)
def test_a_test_in_a_transaction_of_its_own_sees_the_same(
    wrong: Any, error: Any
) -> None:
    with pytest.raises(error), transaction.atomic():
        make_alert()
        wrong()

    assert not Alert.objects.exists()
    assert not Event.objects.exists()


@committing
def test_what_cannot_be_written_stops_who_reads_and_then_the_commit() -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        make_alert()
        impossible()
        Event.objects.count()

    assert not Alert.objects.exists()
    assert stored() == set()


@committing
def test_what_is_wrong_with_one_event_is_said_where_it_is_recorded() -> None:
    with transaction.atomic():
        kept = note()
        with pytest.raises(DetailsTooLarge):
            note(details={"x": "y" * 20_000})
        with pytest.raises(ValueError, match="outcome"):
            note(outcome="perhaps")

    assert stored() == {kept}


@committing
def test_a_connection_that_is_closed_forgets_them() -> None:
    with pytest.raises(Error), transaction.atomic():
        note()
        connection.close()
        Alert.objects.count()

    assert stored() == set()
    assert note() in stored()


@committing
def test_long_transactions_do_not_pile_them_up(monkeypatch: Any) -> None:
    monkeypatch.setattr(inserting, "MOST_WAITING", 3)

    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        made = {note() for _ in range(8)}

    assert len(inserts(captured)) == 3
    assert stored() == made


@committing
def test_a_refusal_does_not_wait_for_the_transaction_around_it() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        note()
        refused = record_refusal(events.AUTHORIZATION_DENIED, outcome="denied")
        assert refused in stored()
        raise ZeroDivisionError

    assert stored() == {refused}

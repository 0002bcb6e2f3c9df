"""Transactions that something else than the database breaks off."""

# ruff: noqa: PT012 - what raises is a transaction with all that is in it

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import InterfaceError, close_old_connections, connection, transaction
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from auditlog import events
from auditlog.models import Alert, Event
from auditlog.services import record
from chatsec.core.postgresql.base import DatabaseWrapper
from chatsec.core.postgresql.beginning import BeginningConnection
from tests.test_transactions import execute, make_alert, status

pytestmark = pytest.mark.django_db(transaction=True)


class Interrupted(BaseException):
    """What a signal raises wherever the program happens to be."""


def interrupt(*_: object, **__: object) -> None:
    raise Interrupted


@contextmanager
def interrupted(word: str, when: str) -> Iterator[None]:
    """Raise before or after the transaction begins or ends, as a signal may."""
    name = "_start_transaction_under_autocommit" if word == "BEGIN" else "_end"
    original = getattr(DatabaseWrapper, name)

    def at(self: DatabaseWrapper, said: str = "BEGIN") -> None:
        if said == word and when == "before":
            raise Interrupted
        original(self, *([] if said == "BEGIN" else [said]))
        if said == word and when == "after":
            raise Interrupted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper, name, at)
        yield


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("word", ["BEGIN", "COMMIT"])
def test_who_is_interrupted_leaves_no_transaction_behind(word: str, when: str) -> None:
    with (
        interrupted(word, when),
        pytest.raises(Interrupted),
        transaction.atomic(),
    ):
        make_alert("interrupted")

    make_alert("later")
    assert status() == TRANSACTION_STATUS_IDLE
    found = set(Alert.objects.values_list("fingerprint", flat=True))
    assert found == (
        {"interrupted", "later"} if (word, when) == ("COMMIT", "after") else {"later"}
    )


def test_a_block_without_statements_may_be_broken_off_at_its_end() -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(DatabaseWrapper, "_commit", interrupt)
        with transaction.atomic():
            pass

    make_alert("later")
    assert status() == TRANSACTION_STATUS_IDLE
    assert Alert.objects.count() == 1


@pytest.mark.parametrize("of", [BeginningConnection, DatabaseWrapper])
def test_a_block_that_is_broken_off_leaves_nothing_to_the_next_one(of: type) -> None:
    """Broken off before or after it is known that there is nothing to commit."""
    seen: list[str] = []
    name = "begin_never" if of is BeginningConnection else "_write_or"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(of, name, interrupt)
        with transaction.atomic():
            record(events.DATA_ACCESS)
            transaction.on_commit(lambda: seen.append("of the block"))

    with transaction.atomic():
        make_alert("later")

    assert not Event.objects.exists()
    assert seen == []


def test_hooks_of_what_was_not_committed_do_not_run_after_one_that_failed() -> None:
    seen: list[str] = []
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        transaction.on_commit(lambda: seen.append(str(1 // 0)))

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(DatabaseWrapper, "_commit", interrupt)
        with transaction.atomic():
            record(events.DATA_ACCESS)
            transaction.on_commit(lambda: seen.append("not committed"))

    assert seen == []
    assert not Event.objects.exists()


@pytest.mark.parametrize("is_on", [False, True])
def test_a_block_broken_off_as_it_is_entered_or_left_loses_not_the_next(
    *, is_on: bool
) -> None:
    connection.ensure_connection()
    original = DatabaseWrapper.set_autocommit

    def broken_off(self: DatabaseWrapper, to: bool, **how: bool) -> None:  # noqa: FBT001 - Django's
        if not to:
            original(self, to, **how)
        if to == is_on:
            raise Interrupted

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(DatabaseWrapper, "set_autocommit", broken_off)
        with transaction.atomic():
            make_alert("interrupted")

    with transaction.atomic():
        make_alert("later")
        record(events.DATA_ACCESS)

    assert status() == TRANSACTION_STATUS_IDLE
    assert Event.objects.count() == 1
    found = set(Alert.objects.values_list("fingerprint", flat=True))
    assert found == ({"later", "interrupted"} if is_on else {"later"})


def test_a_block_that_nobody_left_ends_with_the_request() -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(transaction.Atomic, "__exit__", interrupt)
        with transaction.atomic():
            make_alert("interrupted")
            record(events.DATA_ACCESS)

    close_old_connections()  # the request is over
    close_old_connections()  # the next one begins

    with transaction.atomic():
        make_alert("later")
        record(events.SECURITY_ALERT)

    assert [alert.fingerprint for alert in Alert.objects.all()] == ["later"]
    assert Event.objects.count() == 1


def test_a_rollback_that_is_broken_off_leaves_no_event() -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(DatabaseWrapper, "_rollback", interrupt)
        with transaction.atomic():
            record(events.DATA_ACCESS)
            raise ZeroDivisionError

    with transaction.atomic():
        make_alert("later")

    assert not Event.objects.exists()


@pytest.mark.parametrize("has_events", [True, False])
def test_a_signal_after_the_first_statement_loses_no_transaction(
    *, has_events: bool
) -> None:
    execute("CREATE TEMP TABLE numbers (n int)")

    with transaction.atomic():
        with pytest.MonkeyPatch.context() as patch, suppress(Interrupted):
            patch.setattr(BeginningConnection, "has_begun", interrupt)
            execute("INSERT INTO numbers VALUES (1)")
        if has_events:
            record(events.DATA_ACCESS)

    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM numbers")
        assert cursor.fetchall() == [(1,)]
    assert status() == TRANSACTION_STATUS_IDLE
    assert Event.objects.count() == has_events


def test_an_interrupted_rollback_leaves_no_transaction_behind() -> None:
    with (
        interrupted("ROLLBACK", "before"),
        pytest.raises(Interrupted),
        transaction.atomic(),
    ):
        make_alert("interrupted")
        raise ZeroDivisionError

    make_alert("later")
    assert status() == TRANSACTION_STATUS_IDLE
    assert [alert.fingerprint for alert in Alert.objects.all()] == ["later"]


def test_a_transaction_that_nobody_knows_of_ends_with_the_request() -> None:
    execute("BEGIN")
    make_alert("lost")

    close_old_connections()

    make_alert("later")
    assert status() == TRANSACTION_STATUS_IDLE
    assert [alert.fingerprint for alert in Alert.objects.all()] == ["later"]


def test_a_connection_whose_end_was_broken_off_is_made_anew() -> None:
    make_alert("first")
    connection.connection.close()

    close_old_connections()

    make_alert("later")
    assert Alert.objects.count() == 2


def test_no_event_waits_for_the_commit_of_a_closed_connection() -> None:
    with pytest.raises(InterfaceError), transaction.atomic():
        connection.close()
        record(events.DATA_ACCESS)

    with transaction.atomic():
        make_alert()
        record(events.SECURITY_ALERT)

    assert Event.objects.count() == 1


def test_reading_in_chunks_may_be_broken_off() -> None:
    for number in range(5):
        make_alert(str(number))

    with transaction.atomic():
        rows = Alert.objects.iterator(chunk_size=2)
        next(rows)
        record(events.DATA_ACCESS)
    del rows

    assert Event.objects.count() == 1

"""Transactions that something else than the database breaks off."""

# ruff: noqa: PT012 - what raises is a transaction with all that is in it

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import InterfaceError, close_old_connections, connection, transaction
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from auditlog import events
from auditlog.models import Alert, Event
from auditlog.services import record
from chatsec.core.postgresql.base import DatabaseWrapper
from tests.test_transactions import execute, make_alert, status

pytestmark = pytest.mark.django_db(transaction=True)


class Interrupted(BaseException):
    """What a signal raises wherever the program happens to be."""


def interrupt(self: DatabaseWrapper) -> None:
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

"""Transactions begin with their first statement, whatever sends it."""

# ruff: noqa: PT012 - what raises is a transaction with all that is in it

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg2 import sql
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class
from psycopg2.extras import DictCursor, RealDictCursor, execute_values

from auditlog import events
from auditlog.models import Alert, Event
from auditlog.services import record
from auditlog.services.refusals import on_own_connection
from tests.test_transactions import execute, make_alert, statements, status

pytestmark = pytest.mark.django_db(transaction=True)


class Undone(Exception):
    """Raised to have a transaction rolled back."""


@pytest.fixture(autouse=True)
def numbers() -> None:
    execute("CREATE TEMP TABLE numbers (n int PRIMARY KEY)")


def kept() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM numbers ORDER BY n")
        return [n for (n,) in cursor.fetchall()]


def last_message() -> str:
    """Return what the server says that it was sent last on our connection."""
    pid = connection.connection.info.backend_pid
    found = []

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])
            found.extend(cursor.fetchone())

    on_own_connection(look)
    return str(found[0])


def plain(cursor: Any) -> None:
    cursor.execute("INSERT INTO numbers VALUES (1)")


def with_values(cursor: Any) -> None:
    cursor.execute("INSERT INTO numbers VALUES (%s)", [1])


def composed(cursor: Any) -> None:
    name = sql.Identifier("numbers")
    cursor.execute(sql.SQL("INSERT INTO {} VALUES (%s)").format(name), [1])


def many(cursor: Any) -> None:
    cursor.executemany("INSERT INTO numbers VALUES (%s)", [[1], [2]])


def values(cursor: Any) -> None:
    execute_values(cursor.cursor, "INSERT INTO numbers VALUES %s", [[1], [2]])


def copied(cursor: Any) -> None:
    cursor.copy_expert("COPY numbers FROM STDIN", io.StringIO("1\n2\n"))


def copied_from(cursor: Any) -> None:
    cursor.copy_from(io.StringIO("1\n2\n"), "numbers")


def copied_to(cursor: Any) -> None:
    cursor.copy_to(io.StringIO(), "numbers")


def called(cursor: Any) -> None:
    cursor.callproc("pg_advisory_xact_lock", [1])


def two_at_once(cursor: Any) -> None:
    cursor.execute("INSERT INTO numbers VALUES (1); INSERT INTO numbers VALUES (2)")


def past_django(cursor: Any) -> None:
    with connection.connection.cursor() as raw:
        raw.execute("INSERT INTO numbers VALUES (1)")


FIRST = [
    plain,
    with_values,
    composed,
    many,
    values,
    copied,
    copied_from,
    copied_to,
    called,
    two_at_once,
    past_django,
]


@pytest.mark.parametrize("first", FIRST)
def test_whatever_comes_first_is_part_of_it(first: Callable[[Any], None]) -> None:
    with pytest.raises(Undone), transaction.atomic():
        with connection.cursor() as cursor:
            first(cursor)
        assert status() == TRANSACTION_STATUS_INTRANS
        raise Undone

    assert status() == TRANSACTION_STATUS_IDLE
    assert kept() == []


@pytest.mark.parametrize("first", FIRST)
def test_whatever_comes_first_is_committed(first: Callable[[Any], None]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        first(cursor)
        cursor.execute("INSERT INTO numbers VALUES (7)")

    assert status() == TRANSACTION_STATUS_IDLE
    assert kept()[-1] == 7


@pytest.mark.parametrize("factory", [DictCursor, RealDictCursor, Cursor])
def test_cursors_of_other_classes_are_part_of_it(factory: type[Cursor]) -> None:
    with pytest.raises(Undone), transaction.atomic():
        with connection.connection.cursor(cursor_factory=factory) as raw:
            raw.execute("INSERT INTO numbers VALUES (1)")
        raise Undone

    assert status() == TRANSACTION_STATUS_IDLE
    assert kept() == []


def test_begin_and_the_first_statement_are_one_message() -> None:
    with transaction.atomic():
        execute("SELECT 'first'")
        assert last_message() == "BEGIN; SELECT 'first'"
        execute("SELECT 'second'")
        assert last_message() == "SELECT 'second'"


def test_a_savepoint_may_come_first() -> None:
    with suppress(Undone), transaction.atomic():
        with suppress(Undone), transaction.atomic():
            execute("INSERT INTO numbers VALUES (1)")
            raise Undone
        execute("INSERT INTO numbers VALUES (2)")

    assert kept() == [2]


def test_rows_that_are_read_in_chunks_may_come_first() -> None:
    for number in range(5):
        make_alert(str(number))

    with pytest.raises(Undone), transaction.atomic():
        assert len(list(Alert.objects.iterator(chunk_size=2))) == 5
        assert status() == TRANSACTION_STATUS_INTRANS
        make_alert("undone")
        raise Undone

    assert Alert.objects.count() == 5


@pytest.mark.parametrize(
    ("wrong", "values"),
    [
        pytest.param("INSERT INTO numbers", [], id="unparsable"),
        pytest.param("INSERT INTO nowhere VALUES (1)", [], id="failing"),
        pytest.param("INSERT INTO numbers VALUES (%s)", [object()], id="unbindable"),
        pytest.param("INSERT INTO numbers VALUES (%s, %s)", [1], id="too few values"),
    ],
)
def test_nothing_stays_of_a_transaction_whose_first_statement_was_wrong(
    wrong: str, values: list[Any]
) -> None:
    with pytest.raises(Undone), transaction.atomic():
        with suppress(Error, IndexError), connection.cursor() as cursor:
            cursor.execute(wrong, values or None)
        with suppress(Error):
            execute("INSERT INTO numbers VALUES (2)")
        raise Undone

    assert status() == TRANSACTION_STATUS_IDLE
    assert kept() == []
    make_alert()


def test_a_block_without_statements_sends_nothing() -> None:
    execute("SELECT 'before'")

    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        assert status() == TRANSACTION_STATUS_IDLE

    assert last_message() == "SELECT 'before'"
    assert statements(captured) == ["BEGIN", "COMMIT"]


def test_events_alone_are_one_statement() -> None:
    with transaction.atomic():
        record(events.DATA_ACCESS)

    message = last_message()
    assert message.startswith("INSERT INTO auditlog_event")
    assert "COMMIT" not in message
    assert Event.objects.count() == 1


def test_hooks_run_though_nothing_was_sent() -> None:
    seen = []

    with transaction.atomic():
        transaction.on_commit(lambda: seen.append("ran"))

    assert seen == ["ran"]


def test_the_level_of_isolation_can_be_the_first_thing_said() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY")
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("serializable",)
        with pytest.raises(Error, match="read-only"):
            cursor.execute("INSERT INTO auditlog_alert DEFAULT VALUES")
        transaction.set_rollback(True)

    assert status() == TRANSACTION_STATUS_IDLE

"""Transactions as our database engine begins and ends them."""

# ruff: noqa: PT012 - what raises is a transaction with all that is in it

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS

from auditlog import events
from auditlog.models import Alert, Event
from auditlog.services import record
from auditlog.services.refusals import on_own_connection
from chatsec.core.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


def status() -> int:
    """Return what the server says of the transaction, not what we think of it."""
    found: int = connection.connection.get_transaction_status()
    return found


def make_alert(fingerprint: str = "one") -> Alert:
    now = timezone.now()
    return Alert.objects.create(
        rule="test",
        fingerprint=fingerprint,
        first_at=now,
        last_at=now,
        count=1,
        created_at=now,
    )


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def statements(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in captured.captured_queries]


def test_events_go_with_the_commit_in_one_message() -> None:
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        make_alert()
        record(events.DATA_ACCESS)

    *_, last = statements(captured)
    assert last.startswith("INSERT INTO auditlog_event")
    assert last.endswith("; COMMIT")
    assert status() == TRANSACTION_STATUS_IDLE
    assert Event.objects.count() == 1


def test_a_transaction_without_events_is_begun_and_ended_once() -> None:
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        make_alert()
        assert status() == TRANSACTION_STATUS_INTRANS

    begin, insert, commit = statements(captured)
    assert (begin, commit) == ("BEGIN", "COMMIT")
    assert insert.startswith("INSERT INTO ")


def test_a_rollback_ends_the_transaction() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make_alert()
        raise ZeroDivisionError

    assert status() == TRANSACTION_STATUS_IDLE
    assert not Alert.objects.exists()


def test_hooks_run_after_the_commit() -> None:
    seen = []
    with transaction.atomic():
        make_alert()
        record(events.DATA_ACCESS)
        transaction.on_commit(lambda: seen.append((status(), Event.objects.count())))

    assert seen == [(TRANSACTION_STATUS_IDLE, 1)]


def test_what_the_commit_itself_refuses_takes_the_events_along() -> None:
    execute("CREATE TEMP TABLE deferred (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")

    with pytest.raises(IntegrityError), transaction.atomic():
        execute("INSERT INTO deferred VALUES (1), (1)")
        record(events.DATA_ACCESS)

    assert status() == TRANSACTION_STATUS_IDLE
    assert not Event.objects.exists()
    make_alert()


@pytest.mark.parametrize("has_events", [True, False])
def test_a_commit_of_a_failed_transaction_is_no_success(*, has_events: bool) -> None:
    def swallow_a_failure() -> None:
        make_alert()
        with suppress(Error):
            execute("SELECT 1 / 0")
        if has_events:
            record(events.DATA_ACCESS)

    wrong = Error if has_events else TransactionManagementError
    with pytest.raises(wrong), transaction.atomic():
        swallow_a_failure()

    assert status() == TRANSACTION_STATUS_IDLE
    assert not Alert.objects.exists()
    make_alert()


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_lost_connection_is_an_error_and_the_next_use_connects_anew(
    *, has_begun: bool
) -> None:
    with pytest.raises(Error), transaction.atomic():
        if has_begun:
            make_alert()
        record(events.DATA_ACCESS)
        pid = connection.connection.info.backend_pid
        on_own_connection(lambda: execute(f"SELECT pg_terminate_backend({pid}, 5000)"))

    assert not Event.objects.exists()
    assert not Alert.objects.exists()


def test_rows_are_read_in_chunks_within_a_transaction() -> None:
    for number in range(5):
        make_alert(str(number))

    with transaction.atomic():
        seen = [alert.fingerprint for alert in Alert.objects.iterator(chunk_size=2)]
        record(events.DATA_ACCESS)

    assert sorted(seen) == ["0", "1", "2", "3", "4"]
    assert Event.objects.count() == 1


def test_who_switches_autocommit_off_commits_himself() -> None:
    transaction.set_autocommit(False)
    try:
        make_alert()
        transaction.rollback()
        make_alert("kept")
        transaction.commit()
    finally:
        transaction.set_autocommit(True)

    assert [alert.fingerprint for alert in Alert.objects.all()] == ["kept"]


def test_a_level_of_isolation_that_nobody_would_set_is_refused() -> None:
    told: dict[str, Any] = {**connection.settings_dict, "OPTIONS": {}}
    told["OPTIONS"]["isolation_level"] = 3

    with pytest.raises(ImproperlyConfigured, match="READ COMMITTED"):
        DatabaseWrapper(told)

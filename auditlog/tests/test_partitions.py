from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connections, transaction
from django.utils import timezone

from auditlog import events, tasks
from auditlog.constants import CATEGORIES, RETENTION_DAYS
from auditlog.models import Event, IncidentEntry
from auditlog.services import incidents, partitions, pruning, sealer
from auditlog.services.recording import build_row, insert
from auditlog.tests.factories import make_actor, make_event
from auditlog.tests.incidents.factories import make_incident

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(databases=DATABASES)
# For what one role writes and another has to see.
committing = pytest.mark.django_db(transaction=True, databases=DATABASES)
YEARLY = {"authorization", "data_access", "audit"}


def names() -> set[str]:
    return {each.name for each in partitions.list_partitions()}


def months_from(start: date, count: int) -> list[date]:
    index = start.year * 12 + start.month - 1
    return [date((index + n) // 12, (index + n) % 12 + 1, 1) for n in range(count)]


def test_migrations_leave_partitions_for_the_next_half_year() -> None:
    this_month = timezone.now().date().replace(day=1)
    found = names()

    for category in set(CATEGORIES) - YEARLY:
        for month in months_from(this_month, 7):
            assert f"event_{category}_{month:%Y_%m}" in found
    for kind in YEARLY:
        assert f"event_{kind}_{this_month.year}" in found
        assert f"event_{kind}_{this_month.year + 1}" in found


def test_retention_in_the_database_is_the_one_in_code() -> None:
    with connections["default"].cursor() as cursor:
        for category, days in RETENTION_DAYS.items():
            cursor.execute("SELECT audit_retention_days(%s)", [category])
            assert cursor.fetchone()[0] == days


def test_ensuring_twice_makes_nothing_new() -> None:
    first = partitions.ensure_partitions(months_ahead=9)

    assert first > 0
    assert partitions.ensure_partitions(months_ahead=9) == 0


@committing
def test_two_at_once_make_each_partition_once() -> None:
    barrier, made = Barrier(2), []

    def ensure() -> None:
        barrier.wait()
        try:
            made.append(partitions.ensure_partitions(months_ahead=8))
        finally:
            connections.close_all()

    threads = [Thread(target=ensure) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 2
    assert min(made) == 0


@committing
def test_new_partitions_are_guarded_and_take_events() -> None:
    far = timezone.now() + timedelta(days=270)
    partitions.ensure_partitions(months_ahead=10)

    event = make_event(at=far)

    for table in (f"event_access_{far:%Y_%m}", f"event_audit_{far.year}"):
        with (
            pytest.raises(ProgrammingError, match="append-only"),
            connections["owner"].cursor() as cursor,
        ):
            cursor.execute(f"TRUNCATE audit_parts.{table}")
    with (
        pytest.raises(ProgrammingError, match="append-only"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute("DELETE FROM auditlog_event")
    assert Event.objects.filter(event_id=event.event_id).exists()


@committing
def test_writers_do_not_wait_for_new_partitions() -> None:
    """An open transaction that wrote must not stop, nor be stopped by, the task."""
    result: list[int] = []

    def ensure() -> None:
        try:
            result.append(partitions.ensure_partitions(months_ahead=9))
        finally:
            connections.close_all()

    with transaction.atomic():
        make_event()
        thread = Thread(target=ensure)
        thread.start()
        thread.join(timeout=20)
        make_event()

    assert result
    assert result[0] > 0


def old_partition(make: Callable[..., Any] = make_event, *, days: int) -> str:
    """Return a partition of access events that ended `days` ago or a little more."""
    then = timezone.now() - timedelta(days=days + 31)
    partitions.ensure_partitions(since=then.date(), months_ahead=0)
    make(at=then)
    sealer.seal_pending()
    return f"event_access_{then:%Y_%m}"


@committing
def test_a_partition_past_retention_goes_and_leaves_an_event() -> None:
    name = old_partition(days=100)

    (dropped,) = pruning.drop_expired()

    assert dropped == pruning.Dropped(name, 1)
    assert name not in names()
    event = Event.objects.get(event_type="auditlog.partition_pruned")
    assert (event.resource_id, event.result_count) == (name, 1)
    assert event.event_id.version == 7
    assert abs(event.occurred_at - timezone.now()) < timedelta(minutes=1)


def test_a_younger_partition_is_refused_to_anybody() -> None:
    then = timezone.now()
    make_event(at=then)

    for alias in ("retention", "owner"):
        with (
            pytest.raises(DatabaseError, match="younger than its retention"),
            transaction.atomic(using=alias),
            connections[alias].cursor() as cursor,
        ):
            cursor.execute(
                "SELECT audit_drop_partition(%s)", [f"event_access_{then:%Y_%m}"]
            )

    assert Event.objects.count() == 1


@committing
def test_events_kept_longer_hold_their_partition() -> None:
    def held(at: datetime) -> None:
        row = build_row(events.CHATBOT_QUERY, {}, occurred_at=at)
        insert(row._replace(expires_at=timezone.now() + timedelta(days=1)))

    name = old_partition(held, days=100)

    with pytest.raises(DatabaseError, match="holds events kept until"):
        pruning.drop_partition(name)

    assert name in names()


def test_it_drops_nothing_but_its_own_leaves() -> None:
    for name in ("", "nothing", "event_access", "auditlog_event", "x; y", "pg_class"):
        with pytest.raises(DatabaseError, match="no audit partition"):
            pruning.drop_partition(name)


@committing
def test_a_search_path_of_the_caller_redirects_nothing() -> None:
    name = old_partition(days=100)
    with connections["retention"].cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE auditlog_event (x int);"
            "SET search_path = pg_temp, public, pg_catalog"
        )

    pruning.drop_partition(name)

    assert Event.objects.filter(event_type="auditlog.partition_pruned").count() == 1


@committing
def test_the_daily_task_does_both() -> None:
    old_partition(days=100)

    assert tasks.keep_partitions() == {"made": 0, "dropped": 1}
    assert tasks.keep_partitions() == {"made": 0, "dropped": 0}


def test_partition_bounds_are_utc() -> None:
    with connections["retention"].cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Asia/Tokyo'")
        cursor.execute("SELECT audit_ensure_partitions('2031-01-01', 0)")
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(
            "SELECT upper_bound FROM audit_partitions()"
            " WHERE partition = 'event_access_2031_01'"
        )
        assert cursor.fetchone()[0] == datetime(2031, 2, 1, tzinfo=UTC)


@committing
def test_the_migration_goes_back_and_forth() -> None:
    make_event()
    call_command("migrate", "auditlog", "zero", verbosity=0)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_proc WHERE proname LIKE 'audit\\_%'"
            " UNION ALL SELECT count(*) FROM pg_namespace WHERE nspname = 'audit_parts'"
        )
        assert cursor.fetchall() == [(0,), (0,)]

    call_command("migrate", "auditlog", verbosity=0)

    make_event()
    assert len(names()) > 0


@committing
def test_that_evidence_was_taken_does_not_keep_migrations_from_going_back() -> None:
    incident = make_incident()
    with transaction.atomic():
        incidents.note_export(make_actor(), incident.id, facts={"events": 1})

    call_command("migrate", "auditlog", "0025", verbosity=0)
    kinds = IncidentEntry.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["opened", "note"]
    call_command("migrate", "auditlog", verbosity=0)

    with transaction.atomic():
        incidents.note_export(make_actor(), incident.id, facts={"events": 1})
    assert list(kinds.all()) == ["opened", "note", "exported"]


def test_the_newest_pages_are_summarised_in_every_partition() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE 'autosummarize=on' ="
            " ANY(found.reloptions)) FROM pg_partition_tree('auditlog_event') AS tree"
            " JOIN pg_index ON indrelid = tree.relid"
            " JOIN pg_class AS found ON found.oid = indexrelid"
            " JOIN pg_am ON pg_am.oid = found.relam AND amname = 'brin'"
        )
        every, summarised = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_partition_tree('auditlog_event')")
        tables = cursor.fetchone()[0]

    assert every == summarised == 2 * tables

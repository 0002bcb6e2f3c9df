"""Every way to change an event that the application's role, or the owner, could try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, ProgrammingError, connections, transaction

from auditlog import checks
from auditlog.models import Event
from auditlog.tests.factories import make_event
from chatsec import embedded

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(databases=DATABASES)
# For what one role writes and another has to see.
committing = pytest.mark.django_db(transaction=True, databases=DATABASES)

ON_TABLE = {
    "update": "UPDATE {table} SET outcome = 'success'",
    "update one column": "UPDATE {table} SET details = NULL",
    "update nothing": "UPDATE {table} SET outcome = outcome WHERE false",
    "delete": "DELETE FROM {table}",
    "truncate": "TRUNCATE {table}",
    "truncate cascade": "TRUNCATE {table} CASCADE",
    "upsert": (
        "INSERT INTO {table} SELECT * FROM auditlog_event"
        " ON CONFLICT (event_id, category, occurred_at) DO UPDATE SET outcome = 'error'"
    ),
    "merge": (
        "MERGE INTO {table} t USING auditlog_event s ON t.event_id = s.event_id"
        " WHEN MATCHED THEN DELETE"
    ),
    "disable trigger": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "drop trigger": "DROP TRIGGER audit_append_only ON {table}",
    "drop": "DROP TABLE {table} CASCADE",
    "rename": "ALTER TABLE {table} RENAME TO elsewhere",
    "add rule": "CREATE RULE r AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "lock out writers": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
}
ELSEWHERE = {
    "detach": "ALTER TABLE audit_parts.event_access DETACH PARTITION {leaf}",
    "replica role": "SET session_replication_role = replica",
    "become owner": "SET ROLE chatsec_owner",
    "new guard": (
        "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'"
    ),
    "look into the partition": "SELECT * FROM {leaf}",
    "drop by function": "SELECT audit_drop_partition('{name}')",
    "make partitions": "SELECT audit_ensure_partitions(current_date, 1)",
}


@pytest.fixture
def event() -> Event:
    return make_event(details={"intent": "sales_summary"})


@pytest.fixture
def owner() -> Iterator[Any]:
    with connections["owner"].cursor() as cursor:
        yield cursor


def leaf_of(event: Event) -> str:
    return f"event_access_{event.occurred_at:%Y_%m}"


def everything() -> list[Any]:
    return list(Event.objects.order_by("event_id").values())


def attempt(alias: str, statement: str) -> None:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(statement)


def ways_through(alias: str, statements: dict[str, str]) -> list[str]:
    """Return the names of the statements that the database did not refuse."""
    return [way for way, text in statements.items() if not is_refused(alias, text)]


def is_refused(alias: str, statement: str) -> bool:
    try:
        attempt(alias, statement)
    except DatabaseError:
        return True
    return False


def tables_of(event: Event) -> list[str]:
    """Return the tables between which the statements have to choose."""
    leaf = f"audit_parts.{leaf_of(event)}"
    return ["auditlog_event", "audit_parts.event_access", leaf]


@committing
def test_roles_that_serve_cannot_change_events(event: Event) -> None:
    before = everything()
    ways = {
        f"{way} {table}": text.format(table=table)
        for way, text in ON_TABLE.items()
        for table in tables_of(event)
    }

    assert ways_through("default", ways) == []
    assert ways_through("retention", ways) == []
    assert everything() == before


@committing
def test_the_application_cannot_reach_around(event: Event) -> None:
    before, name = everything(), leaf_of(event)
    ways = {
        way: text.format(leaf=f"audit_parts.{name}", name=name)
        for way, text in ELSEWHERE.items()
    }

    assert ways_through("default", ways) == []
    assert everything() == before


@committing
def test_retention_cannot_reach_around_either(event: Event) -> None:
    before, name = everything(), leaf_of(event)
    ways = {
        way: text.format(leaf=f"audit_parts.{name}", name=name)
        for way, text in ELSEWHERE.items()
        # What it is there for; younger partitions are refused by the function.
        if way != "make partitions"
    }

    assert ways_through("retention", ways) == []
    assert everything() == before


@pytest.mark.parametrize("column", ["xid", "epoch"])
def test_nobody_chooses_the_transaction_that_he_writes_in(column: str) -> None:
    named = (
        f"INSERT INTO auditlog_event (event_id, category, occurred_at, event_type,"
        f" severity, outcome, actor_kind, expires_at, {column}) VALUES"
        f" (gen_random_uuid(), 'access', now(), 'x', 'info', 'success', 'system',"
        f" now() + interval '90 days', 1)"
    )

    for alias in ("default", "retention"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            attempt(alias, named)


@committing
def test_replica_mode_opens_nothing(event: Event) -> None:
    """In replica mode ordinary triggers sleep; these are ENABLE ALWAYS."""
    before = everything()
    assert is_refused("owner", "SET session_replication_role = replica")

    with superuser() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for way in ("update", "delete", "truncate", "upsert", "merge"):
            for table in tables_of(event):
                with pytest.raises(psycopg2.Error, match="append-only"):
                    cursor.execute(ON_TABLE[way].format(table=table))

    assert everything() == before


@contextmanager
def superuser() -> Iterator[Any]:
    engines = embedded.ensure_running(settings.CHATSEC_DATA_DIR, durable=False)
    found = engines.superuser.django()
    connection = psycopg2.connect(
        dbname=connections["default"].settings_dict["NAME"],
        user=found["USER"],
        password=found["PASSWORD"],
        host=found["HOST"],
        port=found["PORT"] or None,
    )
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@committing
def test_triggers_stop_even_the_owner(event: Event) -> None:
    before = everything()

    for way in ("update", "delete", "truncate", "truncate cascade", "upsert", "merge"):
        for table in tables_of(event):
            with pytest.raises(ProgrammingError, match="append-only"):
                attempt("owner", ON_TABLE[way].format(table=table))

    assert everything() == before


def test_every_partition_has_both_triggers_always_on(owner: Any) -> None:
    owner.execute(
        "SELECT count(*), count(*) FILTER (WHERE tgenabled = 'A')"
        " FROM pg_partition_tree('auditlog_event') tree"
        " JOIN pg_trigger ON tgrelid = tree.relid"
        " WHERE tgname IN ('audit_append_only', 'audit_no_truncate')"
    )
    found, always = owner.fetchone()
    owner.execute("SELECT count(*) FROM pg_partition_tree('auditlog_event')")

    assert found == always == 2 * owner.fetchone()[0]


def test_the_check_names_a_role_that_owns_the_table() -> None:
    assert checks.find_problems("default") == []
    assert [code for code, _ in checks.find_problems("owner")] == ["E001", "E002"]


WEAKENED = [
    ("GRANT UPDATE ON {table} TO {app}", "REVOKE UPDATE ON {table} FROM {app}", "E001"),
    ("GRANT DELETE ON {table} TO {app}", "REVOKE DELETE ON {table} FROM {app}", "E001"),
    (
        "GRANT TRUNCATE ON {table} TO {app}",
        "REVOKE TRUNCATE ON {table} FROM {app}",
        "E001",
    ),
    (
        "GRANT UPDATE (details) ON {table} TO {app}",
        "REVOKE UPDATE (details) ON {table} FROM {app}",
        "E001",
    ),
    (
        "GRANT DELETE ON audit_parts.event_access TO {app}",
        "REVOKE DELETE ON audit_parts.event_access FROM {app}",
        "E001",
    ),
    (
        "GRANT EXECUTE ON FUNCTION audit_drop_partition(text) TO {app}",
        "REVOKE EXECUTE ON FUNCTION audit_drop_partition(text) FROM {app}",
        "E002",
    ),
    (
        "ALTER TABLE {table} DISABLE TRIGGER audit_no_truncate",
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_no_truncate",
        "E003",
    ),
    (
        "ALTER TABLE {table} ENABLE TRIGGER audit_append_only",
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_append_only",
        "E003",
    ),
]


@committing
def test_production_refuses_a_weakened_log(owner: Any, settings: Any) -> None:
    settings.PRODUCTION = True
    names = {"table": "auditlog_event", "app": "chatsec_app"}

    for weaken, mend, code in WEAKENED:
        owner.execute(weaken.format(**names))

        reported = checks.check_append_only(None, databases=["default"])
        assert [(m.id, m.is_serious()) for m in reported] == [
            (f"auditlog.{code}", True)
        ]
        with pytest.raises(ImproperlyConfigured, match="db_roles"):
            checks.assert_append_only()

        owner.execute(mend.format(**names))
        checks.assert_append_only()


@committing
def test_development_only_warns(owner: Any) -> None:
    owner.execute("GRANT DELETE ON auditlog_event TO chatsec_app")

    checks.assert_append_only()
    (message,) = checks.check_append_only(None, databases=["default"])

    assert not message.is_serious()


def test_the_check_needs_the_database_to_be_asked_for() -> None:
    assert checks.check_append_only(None, databases=None) == []

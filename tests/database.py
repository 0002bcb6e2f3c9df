"""The database of tests and measurements: copies of one migrated template."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from chatsec import embedded

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASE = f"test_chatsec_{WORKER}"
TEMPLATE = f"template_chatsec_{WORKER}"
SHARED = f"shared_chatsec_{WORKER}"


def build_template() -> None:
    """Migrate a new template as the owner; afterwards connections use its copy."""
    with _maintenance() as cursor:
        _drop(cursor, TEMPLATE)
        create = "CREATE DATABASE {} OWNER chatsec_owner"
        cursor.execute(sql.SQL(create).format(sql.Identifier(TEMPLATE)))
    _use(TEMPLATE)
    call_command("migrate", verbosity=0, interactive=False)
    _use(DATABASE)
    copy_template()


def copy_template(name: str = DATABASE) -> None:
    """Throw the database away and copy the template anew."""
    close_connections()
    with _maintenance() as cursor:
        _drop(cursor, name)
        create = "CREATE DATABASE {} TEMPLATE {} OWNER chatsec_owner"
        names = (sql.Identifier(name), sql.Identifier(TEMPLATE))
        cursor.execute(sql.SQL(create).format(*names))


@contextmanager
def shared_copy() -> Iterator[str]:
    """Work on a copy that outlives single tests, for processes that keep it open."""
    copy_template(SHARED)
    _use(SHARED)
    try:
        yield SHARED
    finally:
        _use(DATABASE)
        with _maintenance() as cursor:
            _drop(cursor, SHARED)


def drop_all() -> None:
    """Leave no database of this run behind."""
    close_connections()
    with _maintenance() as cursor:
        _drop(cursor, DATABASE)
        _drop(cursor, TEMPLATE)


def close_connections() -> None:
    """Close this thread's connections, whatever state they are in."""
    for alias in connections:
        connections[alias].close()


def _use(name: str) -> None:
    close_connections()
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name


@contextmanager
def _maintenance() -> Iterator[Cursor]:
    engines = embedded.ensure_running(settings.CHATSEC_DATA_DIR, durable=False)
    found = engines.superuser.django()
    connection = psycopg2.connect(
        dbname="postgres",
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


def _drop(cursor: Cursor, name: str) -> None:
    drop = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
    cursor.execute(sql.SQL(drop).format(sql.Identifier(name)))

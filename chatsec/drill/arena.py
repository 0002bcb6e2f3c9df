"""Databases that a drill may fill and throw away: evidence cannot be deleted.

Each is a copy of one that is prepared once, on the embedded server of a data directory
that belongs to the drill alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from chatsec import embedded
from chatsec.core import crypto
from chatsec.demo.business import seed_business
from chatsec.demo.catalogue import seed_catalogue


def prepare() -> str:
    """Migrate and fill the database that copies are made of; return its name."""
    if settings.PRODUCTION:
        raise ImproperlyConfigured("Drills are refused in production.")
    call_command("migrate", verbosity=0, skip_checks=True)
    seed_business(settings.BUSINESS_OWNER_DATABASE_URL, sales=4000)
    seed_catalogue()
    return str(connections["default"].settings_dict["NAME"])


@contextmanager
def copy_of(template: str, purpose: str) -> Iterator[str]:
    """Work on a fresh copy, whose name it gives; it is gone afterwards."""
    copy = f"chatsec_drill_{purpose}"
    _close()
    with _maintenance() as cursor:
        _drop(cursor, copy)
        create = "CREATE DATABASE {} TEMPLATE {} OWNER chatsec_owner"
        names = (sql.Identifier(copy), sql.Identifier(template))
        cursor.execute(sql.SQL(create).format(*names))
    _use(copy)
    try:
        yield copy
    finally:
        _use(template)
        with _maintenance() as cursor:
            _drop(cursor, copy)


def _use(name: str) -> None:
    _close()
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name
    # What is remembered of one database is wrong in the next.
    cache.clear()
    crypto.subject_keys.cache_clear()


def _close() -> None:
    for alias in connections:
        connections[alias].close()


@contextmanager
def _maintenance() -> Iterator[Cursor]:
    found = embedded.ensure_running(settings.CHATSEC_DATA_DIR).superuser.django()
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

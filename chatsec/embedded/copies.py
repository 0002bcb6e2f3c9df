"""Databases copied from a template and thrown away: of tests, measurements and drills.

Evidence cannot be deleted, so whatever fills the audit log works on a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from django.conf import settings
from django.db import connections
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from chatsec.embedded.engines import ensure_running


@dataclass(frozen=True, slots=True)
class Copies:
    """The databases of the embedded server, as its superuser makes and drops them."""

    durable: bool = True

    def names(self) -> frozenset[str]:
        """Return the names of all databases."""
        with self._maintenance() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            return frozenset(name for (name,) in cursor.fetchall())

    def rename(self, name: str, to: str) -> None:
        """Give a database another name; nobody may be connected to it."""
        with self._maintenance() as cursor:
            names = (sql.Identifier(name), sql.Identifier(to))
            cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def create(self, name: str) -> None:
        """Make an empty database in place of any of that name."""
        with self._maintenance() as cursor:
            _drop(cursor, name)
            create = "CREATE DATABASE {} OWNER chatsec_owner"
            cursor.execute(sql.SQL(create).format(sql.Identifier(name)))

    def copy(
        self, template: str, name: str, options: Mapping[str, str] | None = None
    ) -> None:
        """Copy the template in place of any database of that name.

        Connections to the copy have the options of PostgreSQL that are given.
        """
        close_connections()
        with self._maintenance() as cursor:
            _drop(cursor, name)
            create = "CREATE DATABASE {} TEMPLATE {} OWNER chatsec_owner"
            if not self.durable:
                # Half the work of logging each page, where a checkpoint costs nothing.
                create += " STRATEGY FILE_COPY"
            names = (sql.Identifier(name), sql.Identifier(template))
            cursor.execute(sql.SQL(create).format(*names))
            for option, value in (options or {}).items():
                alter = sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    names[0], sql.Identifier(option), sql.Literal(value)
                )
                cursor.execute(alter)

    def drop(self, *names: str) -> None:
        """Leave no database of these names behind."""
        close_connections()
        with self._maintenance() as cursor:
            for name in names:
                _drop(cursor, name)

    @contextmanager
    def _maintenance(self) -> Iterator[Cursor]:
        engines = ensure_running(settings.CHATSEC_DATA_DIR, durable=self.durable)
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


def use(name: str) -> None:
    """Let all of Django's connections lead to the database of that name from now on."""
    close_connections()
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name


def close_connections() -> None:
    """Close this thread's connections, whatever state they are in."""
    for alias in connections:
        connections[alias].close()


def _drop(cursor: Cursor, name: str) -> None:
    drop = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
    cursor.execute(sql.SQL(drop).format(sql.Identifier(name)))

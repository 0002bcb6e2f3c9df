"""What the application's database role may do: read and write rows, no more.

Tables in CHATSEC_APPEND_ONLY_TABLES take new rows only, without the columns that the
database fills; those in CHATSEC_READ_ONLY_TABLES take nothing. The owner's role runs
this after every migration, so a new table never waits for a hand-written grant.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connections
from django.db.backends.utils import CursorWrapper
from psycopg2 import sql

APPLICATION = "chatsec_app"


def grant_application_role(using: str) -> None:
    """Give the application role exactly its rights on every table and sequence."""
    with connections[using].cursor() as cursor:
        if not _exists(cursor, APPLICATION):
            return
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition"
        )
        role = sql.Identifier(APPLICATION)
        for (table,) in cursor.fetchall():
            name = sql.Identifier(table)
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(name, role))
            rights = _rights(cursor, table)
            cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, name, role))
        cursor.execute(
            sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(role)
        )


def _rights(cursor: CursorWrapper, table: str) -> sql.Composable:
    if table in settings.CHATSEC_READ_ONLY_TABLES:
        return sql.SQL("SELECT")
    if table not in settings.CHATSEC_APPEND_ONLY_TABLES:
        return sql.SQL("SELECT, INSERT, UPDATE, DELETE")
    theirs = settings.CHATSEC_APPEND_ONLY_TABLES[table]
    columns = sql.SQL(", ").join(
        sql.Identifier(name) for name in _columns(cursor, table) if name not in theirs
    )
    return sql.SQL("SELECT, INSERT ({})").format(columns)


def _columns(cursor: CursorWrapper, table: str) -> list[str]:
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [f'public."{table}"'],
    )
    return [name for (name,) in cursor.fetchall()]


def _exists(cursor: CursorWrapper, role: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return cursor.fetchone() is not None

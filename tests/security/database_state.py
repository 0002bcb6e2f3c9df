"""What is in the database, and which statements would change it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

WRITE = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|MERGE\s+INTO)\s+(?:ONLY\s+)?"
    r'"?(?P<table>\w+)"?',
    re.IGNORECASE,
)
# FOR UPDATE takes a lock and writes nothing.
LOCK = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b", re.IGNORECASE)
TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY 1
"""


def digests() -> dict[str, str]:
    """Return a digest of each table's rows, in whatever order they lie."""
    found = {}
    with connections["default"].cursor() as cursor:
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows = sorted(row[0] for row in cursor.fetchall())
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def changed(before: dict[str, str]) -> set[str]:
    """Return the tables whose rows are others than when `before` was taken."""
    after = digests()
    return {table for table in after if after[table] != before.get(table)}


@contextmanager
def writes() -> Iterator[list[str]]:
    """Collect the tables that statements of the block write to, for every role."""
    tables: list[str] = []

    def note(execute: Callable[..., Any], sql: Any, *further: Any) -> Any:
        text = LOCK.sub("", str(sql))
        tables.extend(match["table"].lower() for match in WRITE.finditer(text))
        return execute(sql, *further)

    wrappers = [connections[alias].execute_wrapper(note) for alias in connections]
    for wrapper in wrappers:
        wrapper.__enter__()
    try:
        yield tables
    finally:
        for wrapper in reversed(wrappers):
            wrapper.__exit__(None, None, None)

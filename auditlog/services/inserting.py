"""Rows on their way into the event log: those of one transaction in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from django.db import IntegrityError, InterfaceError, connection, connections

from auditlog.errors import PartitionMissing
from auditlog.services.row_sql import row_as_sql
from auditlog.services.rows import Row
from chatsec.core.postgresql.base import DatabaseWrapper

TABLE: Final = "auditlog_event"
# So many wait at most: a transaction may be long, its memory need not be.
MOST_WAITING: Final = 500
_INTO: Final = f"INSERT INTO {TABLE} ({', '.join(Row._fields)}) VALUES "  # noqa: S608 - our own names


class WaitingEvents:
    """The events of one transaction, until it writes them all."""

    table = TABLE

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def __bool__(self) -> bool:
        return bool(self._rows)

    def add(self, row: Row) -> bool:
        """Let the row wait; return whether there are enough to be written."""
        self._rows.append(row)
        return len(self._rows) >= MOST_WAITING

    def write(self, *, and_then: str = "") -> None:
        """Write them all, after which none waits, also if that fails."""
        rows, self._rows = self._rows, []
        insert(*rows, and_then=and_then)

    def drop(self) -> None:
        """Forget them all."""
        self._rows = []


def write_with_transaction(row: Row) -> None:
    """Have the row written if and only if the transaction commits, at its end at last.

    Outside of a transaction it is written at once.
    """
    here = _connection()
    if not here.is_in_transaction():
        insert(row)
        return
    if here.closed_in_transaction:
        # No commit comes that it could wait for.
        raise InterfaceError("The connection was closed in this transaction.")
    if here.waiting is None:
        here.waiting = WaitingEvents()
    if cast("WaitingEvents", here.waiting).add(row):
        here.write_waiting()


def in_transaction() -> bool:
    """Whether a transaction is open that is not the wrapper around a test."""
    return _connection().is_in_transaction()


def _connection() -> DatabaseWrapper:
    return cast("DatabaseWrapper", connections["default"])


def insert(*rows: Row, and_then: str = "") -> None:
    """Write the rows with one statement; a missing partition is PartitionMissing."""
    _execute(rows, f"; {and_then}" if and_then else "")


def insert_once(row: Row) -> bool:
    """Write the row unless the log has it already; return whether it is new."""
    return _execute([row], " ON CONFLICT DO NOTHING") == 1


def _execute(rows: Sequence[Row], then: str) -> int:
    texts: list[str] = []
    values = ", ".join([row_as_sql(row, texts) for row in rows])
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"{_INTO}{values}{then}", texts)
            return int(cursor.rowcount)
    except IntegrityError as error:
        if "no partition of relation" not in str(error):
            raise
        raise _missing_partition(rows) from error


def _missing_partition(rows: Sequence[Row]) -> PartitionMissing:
    days = sorted({f"{row.category} of {row.occurred_at:%Y-%m-%d}" for row in rows})
    return PartitionMissing(
        f"No audit partition takes all of these: {', '.join(days)}."
        " Run the partition task."
    )

"""Transactions that begin along with their first statement, in one message.

The driver sends a BEGIN of its own first, and a message and its answer cost as much as
a small statement. PostgreSQL takes both in one message ("simple query" of several
statements, chapter 54.2.2.1 of its manual), also behind a pool of connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor
from psycopg2.sql import SQL, Composable


class BeginningConnection(connection):  # type: ignore[misc]  # as below
    """A connection that can be told to begin a transaction with the next statement."""

    _is_wanted: Callable[[], bool] | None = None

    def begin_with_next(self, is_wanted: Callable[[], bool]) -> None:
        """Begin with the next statement, if that is still wanted when it comes."""
        self._is_wanted = is_wanted

    def begin_never(self) -> bool:
        """Begin nothing any more; return whether a beginning was still to come."""
        waited, self._is_wanted = self._is_wanted is not None, None
        return waited

    @property
    def begins(self) -> bool:
        """Whether the next statement begins a transaction."""
        return self._is_wanted is not None and self._is_wanted()

    def has_begun(self) -> None:
        """Take note of what the server says: it may have begun, or may not.

        A statement that could not be built, or not be parsed, began nothing.
        """
        if self.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            self._is_wanted = None


class BeginningCursor(cursor):  # type: ignore[misc]  # the stubs know no class
    """A cursor whose first statement in a transaction begins it."""

    connection: BeginningConnection

    @property
    def query(self) -> bytes | None:
        """The statement that was sent last, without the BEGIN."""
        sent: bytes | None = super().query
        return sent.removeprefix(b"BEGIN; ") if sent else sent

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's
        """Execute the statement, after BEGIN if one is to come."""
        if not self.connection.begins:
            super().execute(query, vars)
        elif self.name is not None:
            self._begin()
            super().execute(query, vars)
        else:
            try:
                super().execute(_after_begin(query), vars)
            finally:
                self.connection.has_begun()

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """Execute the statement with each of the rows, after BEGIN."""
        self._begin()
        super().executemany(*args, **kwargs)

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, after BEGIN."""
        self._begin()
        return super().callproc(*args, **kwargs)

    def copy_expert(self, *args: Any, **kwargs: Any) -> None:
        """Copy, after BEGIN."""
        self._begin()
        super().copy_expert(*args, **kwargs)

    def copy_from(self, *args: Any, **kwargs: Any) -> None:
        """Copy, after BEGIN."""
        self._begin()
        super().copy_from(*args, **kwargs)

    def copy_to(self, *args: Any, **kwargs: Any) -> None:
        """Copy, after BEGIN."""
        self._begin()
        super().copy_to(*args, **kwargs)

    def _begin(self) -> None:
        if self.connection.begins:
            with self.connection.cursor() as plain:
                cursor.execute(plain, "BEGIN")
            self.connection.has_begun()


def _after_begin(query: str | bytes | Composable) -> Any:
    if isinstance(query, Composable):
        return SQL("BEGIN; ") + query
    return "BEGIN; " + query if isinstance(query, str) else b"BEGIN; " + query

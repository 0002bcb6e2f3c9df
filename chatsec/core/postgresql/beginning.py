"""Transactions that begin along with their first statement, in one message.

The driver sends a BEGIN of its own first, and a message and its answer cost as much as
a small statement. PostgreSQL takes both in one message ("simple query" of several
statements, chapter 54.2.2.1 of its manual), also behind a pool of connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from psycopg2.extensions import (
    TRANSACTION_STATUS_IDLE,
    TRANSACTION_STATUS_INERROR,
    TRANSACTION_STATUS_INTRANS,
    connection,
    cursor,
)
from psycopg2.sql import SQL, Composable

_BEGUN: Final = (TRANSACTION_STATUS_INTRANS, TRANSACTION_STATUS_INERROR)


class BeginningConnection(connection):  # type: ignore[misc]  # as below
    """A connection that can be told to begin a transaction with the next statement.

    That is the next one of its own cursors. A cursor of another class begins when it is
    made; one that was made before the transaction knows nothing of it.
    """

    _is_wanted: Callable[[], bool] | None = None

    def begin_with_next(self, is_wanted: Callable[[], bool]) -> None:
        """Begin with the next statement, if that is still wanted when it comes."""
        self._is_wanted = is_wanted

    def begin_never(self) -> bool:
        """Begin nothing any more; return whether a beginning was still to come.

        The server knows better: a signal may have come before its answer was noted.
        """
        waited, self._is_wanted = self._is_wanted is not None, None
        return waited and self.get_transaction_status() not in _BEGUN

    def cursor(self, *args: Any, **kwargs: Any) -> cursor:
        """Return a cursor; for one of another class the transaction begins now."""
        made = super().cursor(*args, **kwargs)
        if not isinstance(made, BeginningCursor):
            self.begin_now()
        return made

    def begin_now(self) -> None:
        """Begin, if that is still to come, by a message of its own."""
        if self.begins:
            with self.cursor(cursor_factory=BeginningCursor) as plain:
                cursor.execute(plain, "BEGIN")
            self.has_begun()

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
            self.connection.begin_now()
            super().execute(query, vars)
        else:
            try:
                super().execute(_after_begin(query), vars)
            finally:
                self.connection.has_begun()

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """Execute the statement with each of the rows, after BEGIN."""
        self.connection.begin_now()
        super().executemany(*args, **kwargs)

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, after BEGIN."""
        self.connection.begin_now()
        return super().callproc(*args, **kwargs)

    def copy_expert(self, *args: Any, **kwargs: Any) -> None:
        """Copy, after BEGIN."""
        self.connection.begin_now()
        super().copy_expert(*args, **kwargs)

    def copy_from(self, *args: Any, **kwargs: Any) -> None:
        """Copy, after BEGIN."""
        self.connection.begin_now()
        super().copy_from(*args, **kwargs)

    def copy_to(self, *args: Any, **kwargs: Any) -> None:
        """Copy, after BEGIN."""
        self.connection.begin_now()
        super().copy_to(*args, **kwargs)


def _after_begin(query: str | bytes | Composable) -> Any:
    if isinstance(query, Composable):
        return SQL("BEGIN; ") + query
    return "BEGIN; " + query if isinstance(query, str) else b"BEGIN; " + query

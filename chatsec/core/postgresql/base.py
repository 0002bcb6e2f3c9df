"""Django's PostgreSQL connection, with rows that are written along with the commit.

Several rows of one table that a transaction makes here and there become one statement.
Nobody can tell it from writing each at once: they are written before anything reads or
names their table, before a savepoint begins, and with the commit, which fails if they
do; and they are dropped with whatever is rolled back.

Rows and commit are one message, for a message and its answer cost as much as the rows,
and so are BEGIN and the first statement. The driver sends its own BEGIN and COMMIT as
messages of their own, so transactions are begun and ended here, in words, as Django's
backend for SQLite does. A transaction without any statement is none for the server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, cast

from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper, debug_transaction
from django.db.transaction import TransactionManagementError
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN

from chatsec.core.postgresql.beginning import BeginningConnection, BeginningCursor

Execute = Callable[..., CursorWrapper]


class WaitingRows(Protocol):
    """Rows of one table that the transaction has yet to write."""

    @property
    def table(self) -> str:
        """The name of the table."""
        ...

    def __bool__(self) -> bool: ...

    def write(self, *, and_then: str = "") -> None:
        """Write them all, after which none waits, also if that fails.

        What follows goes to the server in the same message, and happens if they do.
        """
        ...

    def drop(self) -> None:
        """Forget them all."""
        ...


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL on which rows can wait."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "isolation_level" in self.settings_dict["OPTIONS"]:
            raise ImproperlyConfigured(
                "Transactions are begun by chatsec.core.postgresql, and they are READ"
                " COMMITTED: take isolation_level out of OPTIONS."
            )
        self.waiting: WaitingRows | None = None
        # First in the list is outermost: what is written first is counted and timed.
        self.execute_wrappers.insert(0, self._write_what_is_read)

    def get_connection_params(self) -> dict[str, Any]:
        """Return what the driver connects with, and whose classes it makes."""
        return {
            **super().get_connection_params(),
            "connection_factory": BeginningConnection,
            "cursor_factory": BeginningCursor,
        }

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open that is not the wrapper around a test."""
        return any(
            not getattr(block, "_from_testcase", False) for block in self.atomic_blocks
        )

    def write_waiting(self, *, and_then: str = "") -> None:
        """Write what waits; the transaction can only be rolled back if that fails."""
        if not self.waiting:
            return
        try:
            self.waiting.write(and_then=and_then)
        except BaseException:
            self.needs_rollback = self.in_atomic_block
            raise

    def connect(self) -> None:
        """Connect; what waited for a connection that was lost is of no transaction."""
        self._drop_waiting()
        super().connect()

    def close(self) -> None:
        """Close the connection, and forget what its transaction has not written."""
        self._drop_waiting()
        super().close()

    def get_autocommit(self) -> bool:
        """Whether statements commit by themselves.

        Where a signal came before Django noted that a block is entered or left, they
        do: its next block would be taken for a part of a transaction that nobody ends.
        """
        if not (self.in_atomic_block or self.autocommit) and self._is_ours():
            self.run_commit_hooks_on_set_autocommit_on = False
            self.set_autocommit(True)
        is_on: bool = super().get_autocommit()
        return is_on

    def close_if_unusable_or_obsolete(self) -> None:
        """Close what the next request, or task, must not go on with."""
        if self.closed_in_transaction and not self._is_in_test():
            # Closed by an earlier request, or task: nobody will ever leave the block.
            self.in_atomic_block, self.atomic_blocks = False, []
            self.connection = None
        if not self.in_atomic_block:
            self._close_if_left_open()
            if self.connection is not None and self.connection.closed:
                # Its end was broken off: Django still believes in it.
                self.close()
        super().close_if_unusable_or_obsolete()

    def _write_what_is_read(
        self, execute: Execute, sql: object, *how: Any
    ) -> CursorWrapper:
        if self.waiting and _names(self.waiting.table, sql):
            self.write_waiting()
        return execute(sql, *how)

    def _savepoint(self, sid: str) -> None:
        # Written inside of the savepoint, they would be rolled back with it.
        self.write_waiting()
        super()._savepoint(sid)  # type: ignore[misc]  # the stubs leave it out

    def _savepoint_rollback(self, sid: str) -> None:
        # Whatever waits came after the last savepoint, and so after this one.
        self._drop_waiting()
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # the stubs leave it out

    def _savepoint_commit(self, sid: str) -> None:
        if not self.is_in_transaction():
            # Around it is only a test's own transaction: for the code it is the commit.
            self._write_or(lambda: self.savepoint_rollback(sid))
        super()._savepoint_commit(sid)  # type: ignore[misc]  # the stubs leave it out

    def _start_transaction_under_autocommit(self) -> None:
        """Begin; Django looks for this method when the outermost block is entered.

        Should a signal break the block off before it is entered or after it is left,
        then what comes next is not part of it.
        """
        # Where a hook failed, those of its block count as yet to be run.
        self.run_commit_hooks_on_set_autocommit_on = False
        with debug_transaction(self, "BEGIN"):
            self._raw().begin_with_next(lambda: self.in_atomic_block)

    def _set_autocommit(self, autocommit: bool) -> None:  # noqa: FBT001 - Django's
        # A signal can break off what would have ended the transaction (a task's limit
        # of time does). The driver would not object: for it there was none.
        if autocommit:
            self._forget_what_was_broken_off()
            if self._close_if_left_open():
                return
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # the stubs leave it out

    def _forget_what_was_broken_off(self) -> None:
        """Forget events and hooks whose transaction never began, and now never will."""
        self._drop_waiting()
        if not self.run_commit_hooks_on_set_autocommit_on:
            self.run_on_commit = []

    def _is_in_test(self) -> bool:
        return any(
            getattr(block, "_from_testcase", False) for block in self.atomic_blocks
        )

    def _is_ours(self) -> bool:
        """Whether we begin and end transactions, and nobody by the driver."""
        return self.connection is not None and self.connection.autocommit

    def _close_if_left_open(self) -> bool:
        """Close the connection if a transaction is open that Django knows nothing of.

        Whatever came next would be part of it, and be lost with it.
        """
        if not self._is_ours():
            return False
        status = self.connection.get_transaction_status()
        if status in (TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN):
            return False
        self.close()
        return True

    def _commit(self) -> None:
        if not self._is_ours():
            # Somebody switched autocommit off himself: the driver has begun for him.
            self._write_or(self._rollback_or_close)
            super()._commit()  # type: ignore[misc]  # the stubs leave it out
        elif self._raw().begin_never():
            # One statement at most, which the server commits by itself.
            with debug_transaction(self, "COMMIT"):
                self._write_or(self._drop_waiting)
        elif self.waiting:
            # Django itself rolls back only for errors of the database.
            self._write_or(self._rollback_or_close, and_then="COMMIT")
        else:
            self._end("COMMIT")

    def _rollback(self) -> None:
        self._drop_waiting()
        if not self._is_ours():
            super()._rollback()  # type: ignore[misc]  # the stubs leave it out
        elif self._raw().begin_never():
            with debug_transaction(self, "ROLLBACK"):
                pass
        else:
            self._end("ROLLBACK")

    def _raw(self) -> BeginningConnection:
        return cast("BeginningConnection", self.connection)

    def _end(self, word: Literal["COMMIT", "ROLLBACK"]) -> None:
        with (
            debug_transaction(self, word),
            self.wrap_database_errors,
            self.connection.cursor() as cursor,
        ):
            cursor.execute(word)
            is_done = cursor.statusmessage == word
        if not is_done:
            # PostgreSQL answers ROLLBACK to the COMMIT of a transaction that failed.
            raise TransactionManagementError(
                "Nothing was committed: a statement of the transaction had failed."
            )

    def _write_or(self, undo: Callable[[], None], *, and_then: str = "") -> None:
        try:
            self.write_waiting(and_then=and_then)
        except BaseException:
            self.needs_rollback = False
            undo()
            raise

    def _rollback_or_close(self) -> None:
        try:
            self.rollback()
        except Error:
            # The connection is lost, and with it whatever was not committed.
            self.close()

    def _drop_waiting(self) -> None:
        if self.waiting:
            self.waiting.drop()


def _names(table: str, sql: object) -> bool:
    """Whether the statement may concern the table; what is no text always may."""
    return table in sql if isinstance(sql, str) else True

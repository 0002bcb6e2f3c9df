"""Django's PostgreSQL connection, with rows that are written just before the commit.

Several rows of one table that a transaction makes here and there become one statement.
Nobody can tell it from writing each at once: they are written before anything reads or
names their table, before a savepoint begins, and before the commit, which fails if they
do; and they are dropped with whatever is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper

Execute = Callable[..., CursorWrapper]


class WaitingRows(Protocol):
    """Rows of one table that the transaction has yet to write."""

    @property
    def table(self) -> str:
        """The name of the table."""
        ...

    def __bool__(self) -> bool: ...

    def write(self) -> None:
        """Write them all, after which none waits, also if that fails."""
        ...

    def drop(self) -> None:
        """Forget them all."""
        ...


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL on which rows can wait."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: WaitingRows | None = None
        # First in the list is outermost: what is written first is counted and timed.
        self.execute_wrappers.insert(0, self._write_what_is_read)

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open that is not the wrapper around a test."""
        return any(
            not getattr(block, "_from_testcase", False) for block in self.atomic_blocks
        )

    def write_waiting(self) -> None:
        """Write what waits; the transaction can only be rolled back if that fails."""
        if not self.waiting:
            return
        try:
            self.waiting.write()
        except BaseException:
            self.needs_rollback = self.in_atomic_block
            raise

    def close(self) -> None:
        """Close the connection, and forget what its transaction has not written."""
        self._drop_waiting()
        super().close()

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

    def _commit(self) -> None:
        # Django itself rolls back only for errors of the database.
        self._write_or(self.rollback)
        super()._commit()  # type: ignore[misc]  # the stubs leave it out

    def _rollback(self) -> None:
        self._drop_waiting()
        super()._rollback()  # type: ignore[misc]  # the stubs leave it out

    def _write_or(self, undo: Callable[[], None]) -> None:
        try:
            self.write_waiting()
        except BaseException:
            self.needs_rollback = False
            undo()
            raise

    def _drop_waiting(self) -> None:
        if self.waiting:
            self.waiting.drop()


def _names(table: str, sql: object) -> bool:
    """Whether the statement may concern the table; what is no text always may."""
    return table in sql if isinstance(sql, str) else True

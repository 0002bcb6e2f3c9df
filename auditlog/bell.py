"""The sealer's bell, heard once in each process and passed on to all who wait.

One connection listens, however many watch; nothing is read over it but numbers. Who
waits looks for himself when the bell rings, and also without it after a while: where a
pooler swallows notifications, news come a little later and none is lost.
"""

from __future__ import annotations

import logging
import select
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from typing import Any, Final

import psycopg2
from django.db import connections
from psycopg2 import sql

logger = logging.getLogger(__name__)
CHANNEL: Final = "auditlog_sealed"
LISTEN_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 2.0


class Bell:
    """Counts how often it rang; listens only while somebody waits."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._rung = 0
        self._waiting = 0
        self._listener: Thread | None = None

    @property
    def is_listening(self) -> bool:
        """Whether a connection listens now."""
        with self._changed:
            return self._listener is not None

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Keep the bell listening for the block."""
        with self._changed:
            self._waiting += 1
            if self._listener is None:
                self._listener = Thread(
                    target=self._listen, name="audit-bell", daemon=True
                )
                self._listener.start()
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1
                self._changed.notify_all()

    def wait(self, seen: int, *, seconds: float) -> int:
        """Return how often it rang, as soon as that is not `seen` or time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung != seen, timeout=seconds)
            return self._rung

    def _ring(self) -> None:
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def _is_wanted(self) -> bool:
        """Whether to go on; if not, the next who comes starts a new listener."""
        with self._changed:
            if self._waiting:
                return True
            self._listener = None
            return False

    def _listen(self) -> None:
        while self._is_wanted():
            try:
                self._listen_once()
            except psycopg2.Error as error:
                # Whoever waits looks by himself meanwhile.
                logger.warning("the bell is not heard (%s)", type(error).__name__)
                with self._changed:
                    self._changed.wait_for(
                        lambda: not self._waiting, timeout=PAUSE_SECONDS
                    )

    def _listen_once(self) -> None:
        connection = psycopg2.connect(**_parameters())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                listen = sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL))
                cursor.execute(listen)
            # What was sealed before the connection stood is looked for now.
            self._ring()
            while self._has_waiters():
                if select.select([connection], [], [], LISTEN_SECONDS)[0]:
                    connection.poll()
                if connection.notifies:
                    connection.notifies.clear()
                    self._ring()
        finally:
            connection.close()

    def _has_waiters(self) -> bool:
        with self._changed:
            return self._waiting > 0


def _parameters() -> dict[str, Any]:
    """Return how the application connects, without the classes of its engine."""
    given = connections["default"].get_connection_params()
    ours = {"connection_factory", "cursor_factory"}
    return {name: value for name, value in given.items() if name not in ours}


BELL: Final = Bell()

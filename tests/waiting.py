"""Waiting for what threads of a race come to, instead of for a time."""

from __future__ import annotations

import time
from threading import Thread
from typing import Final

from django.db import connection

PATIENCE_SECONDS: Final = 60
# Unlike the lists of activity, the list of locks is no snapshot of the transaction.
WAITS_FOR_US = """
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
    )
"""


def until_it_waits_or_ends(thread: Thread) -> None:
    """Return when the thread has ended, or somebody waits for this transaction."""
    gives_up_at = time.monotonic() + PATIENCE_SECONDS
    while thread.is_alive() and not _somebody_waits():
        assert time.monotonic() < gives_up_at, "it neither waits nor ends"
        thread.join(timeout=0.01)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS_FOR_US)
        return bool(cursor.fetchone()[0])

"""Threads that wait on purpose are few, or a crowd of them leaves none for others.

Checking a password takes memory and time, a failed check is answered late so that the
time tells nothing, and a try waits for others under way. Each of these holds a thread
of the server, and a server has sixteen. So each has some places in a process; a
request that finds none is refused at once (Busy), before anything is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import BoundedSemaphore

from accounts.constants import (
    CODE_PLACES,
    HASHES_AT_ONCE,
    HASHES_WAITING,
    RESET_PLACES,
)
from accounts.errors import Busy
from chatsec.core import context
from chatsec.core.context import ActorKind

_has_place: ContextVar[bool] = ContextVar("accounts_place", default=False)


class Places:
    """So many threads of this process may do something at once."""

    def __init__(self, count: int) -> None:
        self._free = BoundedSemaphore(count)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place for the block; raise Busy in a request that finds none.

        Who holds one already, of any kind, needs no other. Commands and tasks wait:
        nobody sits before them who could try again.
        """
        if _has_place.get():
            yield
            return
        is_own_work = context.current_actor().kind is ActorKind.SYSTEM
        if not self._free.acquire(blocking=is_own_work):
            raise Busy
        held = _has_place.set(True)
        try:
            yield
        finally:
            _has_place.reset(held)
            self._free.release()


# Together less than the threads of a server (`chatsec.gunicorn_conf`): some are left.
HASHING = Places(HASHES_AT_ONCE + HASHES_WAITING)
CODES = Places(CODE_PLACES)
RESETS = Places(RESET_PLACES)

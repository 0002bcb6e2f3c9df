"""Watching events as they are sealed: bounded, on record, and ended with the right to.

Opening it is on record before the first event, and how many were shown each minute.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from threading import Lock
from typing import Final, cast
from uuid import UUID

from auditlog import events, selectors
from auditlog.bell import BELL
from auditlog.selectors.sealed import (
    Mark,
    Sealed,
    end_of_chain,
    lag_behind,
    sealed_from,
)
from auditlog.services.recording import record
from auditlog.services.standing import may_still_view
from auditlog.shapes import ReadEvent, row_of
from chatsec.core import context
from chatsec.core.context import Actor
from chatsec.core.errors import Denied, Invalid, Json, TooMany

# Each keeps a thread of the web server, which has others to answer.
AT_ONCE: Final = 4
AT_ONCE_OF_ONE: Final = 2
# A longer one is opened anew by the client, where it ended.
LIFE_SECONDS: Final = 600.0
CHECK_SECONDS: Final = 5.0
# Nothing is shown to whose right to see it was last checked longer ago than this.
RIGHT_SECONDS: Final = 0.5
KEEP_ALIVE_SECONDS: Final = 15.0
NOTE_SECONDS: Final = 60.0
PART: Final = 200
# Who was away longer than this many events is told so and goes on with the newest.
MOST_MISSED: Final = 2_000
KEEP_ALIVE: Final = b": keep-alive\n\n"
_MARK: Final = re.compile(r"(\d{1,18})\.(\d{1,9})", re.ASCII)
_TIME_WORDS: Final = ("since", "until", "period")


class _Places:
    """Who watches in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: Counter[UUID] = Counter()

    def take(self, who: UUID) -> None:
        """Take a place; raise TooMany where there is none."""
        with self._lock:
            if self._taken.total() >= AT_ONCE or self._taken[who] >= AT_ONCE_OF_ONE:
                raise TooMany("Too many live views are open.", retry_after_seconds=30)
            self._taken[who] += 1

    def leave(self, who: UUID) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[who] -= 1
            self._taken += Counter()


_places = _Places()


class Tail:
    """The bytes of one live view (server-sent events); `close` gives its place back."""

    def __init__(
        self, actor: Actor, wanted: selectors.EventFilter, mark: Mark, *, missed: int
    ) -> None:
        self._actor, self._wanted, self._mark = actor, wanted, mark
        self._missed = missed
        self._context = context.current()
        self._noted_at = self._sent_at = time.monotonic()
        self._checked_at = self._noted_at
        self._shown = 0
        self._is_open = True
        self._held = ExitStack()
        self._held.enter_context(BELL.heard())
        self._parts = self._watch()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._parts)
        except BaseException:
            self.close()
            raise
        self._sent_at = time.monotonic()
        return part

    def close(self) -> None:
        """End the view; what was shown since the last note is on record."""
        if not self._is_open:
            return
        self._is_open = False
        self._parts.close()
        self._held.close()
        _places.leave(cast("UUID", self._actor.id))
        # A response is closed outside of its request's context.
        with context.bound(self._context):
            self._note()

    def _watch(self) -> Generator[bytes, None, None]:
        ends_at = time.monotonic() + LIFE_SECONDS
        yield b"retry: 3000\n\n"
        if self._missed:
            yield _event("gap", {"missed": self._missed}, self._mark)
        rung = BELL.wait(-1, seconds=0)
        while time.monotonic() < ends_at:
            found = sealed_from(self._mark, most=PART)
            if not self._may_go_on(RIGHT_SECONDS if found else CHECK_SECONDS):
                yield _event("end", {"reason": "not_allowed"}, self._mark)
                return
            if found:
                yield self._shown_of(found)
                continue
            if self._is_due(self._sent_at, KEEP_ALIVE_SECONDS):
                yield KEEP_ALIVE
            rung = BELL.wait(rung, seconds=CHECK_SECONDS)

    def _may_go_on(self, seconds: float) -> bool:
        """Whether the right to watch stands, as it was found so many seconds ago."""
        if not self._is_due(self._checked_at, seconds):
            return True
        self._checked_at = time.monotonic()
        return may_still_view(self._actor)

    def _shown_of(self, found: Sequence[Sealed]) -> bytes:
        """Return the events that are wanted, and move on behind all of them."""
        rows = selectors.matching(self._wanted)
        kept = rows.in_bulk([each.event_id for each in found])
        wanted = [each for each in found if each.event_id in kept]
        reads = selectors.read_events([kept[each.event_id] for each in wanted])
        self._shown += len(reads)
        if self._is_due(self._noted_at, NOTE_SECONDS):
            self._note()
        self._mark = found[-1].after
        lines = [
            _event("audit", _row(read), each.after)
            for each, read in zip(wanted, reads, strict=True)
        ]
        # An id without data moves the client on, past what it did not ask for.
        return b"".join([*lines, f"id: {_written(self._mark)}\n\n".encode()])

    def _note(self) -> None:
        if self._shown:
            record(events.TAIL_READ, actor=self._actor, result_count=self._shown)
        self._shown, self._noted_at = 0, time.monotonic()

    @staticmethod
    def _is_due(since: float, seconds: float) -> bool:
        return time.monotonic() - since >= seconds


def open_tail(actor: Actor, words: Mapping[str, str], *, last_id: str = "") -> Tail:
    """Return a live view of what the words search for, whose opening is on record.

    It begins behind the event that the client saw last, or with what is sealed from
    now on. Raises Denied without a session, Invalid, TooMany.
    """
    if actor.id is None or actor.session_id is None:
        raise Denied("Watching needs somebody who is signed in.")
    asked = {name: word for name, word in words.items() if name not in _TIME_WORDS}
    wanted = selectors.read_filters(asked)
    mark, missed = _begin(last_id)
    _places.take(actor.id)
    try:
        filters = cast("Json", selectors.storable_words(asked))
        record(events.TAIL_OPENED, actor=actor, details={"filters": filters})
        return Tail(actor, wanted, mark, missed=missed)
    except BaseException:
        _places.leave(actor.id)
        raise


def _begin(last_id: str) -> tuple[Mark, int]:
    """Return where to begin, and how many events are left out before that."""
    if not last_id:
        return end_of_chain(), 0
    found = _MARK.fullmatch(last_id)
    if found is None:
        message = "Must be the id of an event of this stream."
        raise Invalid("Some fields are not valid.", fields={"last_event_id": [message]})
    mark, end = Mark(int(found[1]), int(found[2])), end_of_chain()
    if mark > end:
        return end, 0
    missed = lag_behind(mark).events
    return (mark, 0) if missed <= MOST_MISSED else (end, missed)


def _row(read: ReadEvent) -> dict[str, Json]:
    return {
        **row_of(read),
        "occurred_at": f"{read.event.occurred_at:%Y-%m-%d %H:%M:%S}",
    }


def _event(name: str, data: Json, mark: Mark) -> bytes:
    text = json.dumps(data, ensure_ascii=False)
    return f"id: {_written(mark)}\nevent: {name}\ndata: {text}\n\n".encode()


def _written(mark: Mark) -> str:
    return f"{mark.seal_number}.{mark.position}"

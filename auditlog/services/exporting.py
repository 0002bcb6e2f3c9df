"""Events taken out of the log: on record before the first byte and after the last.

Each part is a query of its own that begins after the last key, so memory does not grow
with the export and no transaction stays open: an open one would hold back the sealer.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from django.utils import timezone

from auditlog import events, formats, selectors
from auditlog.constants import Outcome
from auditlog.formats import Format
from auditlog.models import Event
from auditlog.selectors.paging import START
from auditlog.services.export_places import HeldPlace, take_place
from auditlog.services.recording import record
from auditlog.services.standing import may_still_view
from auditlog.shapes import ReadEvent
from chatsec.core import context
from chatsec.core.errors import Invalid, Json

CHUNK: Final = 500
MOST_EVENTS: Final = 250_000
MOST_SECONDS: Final = 900
FORMATS: Final[tuple[Format, ...]] = ("jsonl", "csv", "ocsf")


class ExportTooSlow(Exception):
    """The export ran out of its time; the answer breaks off, so that it shows."""


class ExportNotAllowed(Exception):
    """The session ended, or the right to it; the answer breaks off."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of the events that a search finds."""

    format: Format
    contents: Literal["clear", "opened"]

    @classmethod
    def read(cls, words: Mapping[str, str]) -> Order:
        """Return the order in an address; raise Invalid."""
        wanted = words.get("format") or "jsonl"
        if wanted not in FORMATS:
            message = f"Must be one of {', '.join(FORMATS)}."
            raise Invalid("Some fields are not valid.", fields={"format": [message]})
        contents = words.get("contents") or "clear"
        if contents not in ("clear", "opened"):
            message = "Must be clear or opened."
            raise Invalid("Some fields are not valid.", fields={"contents": [message]})
        return cls(wanted, "opened" if contents == "opened" else "clear")


class Export:
    """The bytes of one export, to be read once; closing it early is on record too."""

    def __init__(
        self,
        wanted: selectors.EventFilter,
        order: Order,
        asked: Json,
        *,
        place: HeldPlace,
    ) -> None:
        self._wanted, self._order, self._asked = wanted, order, asked
        self._place = place
        self._context = context.current()
        self._ends_at = time.monotonic() + MOST_SECONDS
        self._count = 0
        self._is_open = True
        self._parts = self._read()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except StopIteration:
            self._end("success")
            raise
        except ExportNotAllowed:
            self._end("denied")
            raise
        except BaseException:
            self._end("error")
            raise

    def close(self) -> None:
        """Note that nobody reads on, unless the export has ended."""
        try:
            self._parts.close()
        finally:
            self._end("failure")

    def _read(self) -> Generator[bytes, None, None]:
        if header := formats.header(self._order.format):
            yield header
        turn = START
        while True:
            self._place.keep()
            if turn is not START and not may_still_view(self._context.actor):
                raise ExportNotAllowed
            with selectors.hurried(30):
                page = selectors.find_page(self._wanted, size=CHUNK, turn=turn)
            if page.events:
                yield formats.encode(self._opened(page.events), self._order.format)
                self._count += len(page.events)
            if page.older is None:
                return
            if time.monotonic() > self._ends_at:
                raise ExportTooSlow
            turn = selectors.Turn("older", page.older)

    def _opened(self, found: list[Event]) -> list[ReadEvent]:
        if self._order.contents == "opened":
            return selectors.read_events(found)
        return [ReadEvent(event, {}, {}, None, None) for event in found]

    def _end(self, outcome: Outcome) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._place.leave()
        finally:
            self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        # A response is closed outside of its request's context.
        with context.bound(self._context):
            record(
                events.EXPORT_ENDED,
                outcome=outcome,
                result_count=self._count,
                details={"filters": self._asked, "format": self._order.format},
            )


def start_export(words: Mapping[str, str]) -> Export:
    """Return the export of what the words search for, newest first.

    That it begins is on record. Raises Invalid for words that are none or find more
    than an export takes, TooMany while enough others run.
    """
    order = Order.read(words)
    now = timezone.now()
    wanted = selectors.read_filters(words, now=now)
    # What happens meanwhile, the export's own events among it, is not part of it.
    wanted["until"] = min(wanted.get("until") or now, now)
    _refuse_too_many(wanted)
    asked = cast("Json", selectors.storable_words(words))
    place = take_place(now=now)
    try:
        record(
            events.EXPORT_STARTED,
            details={
                "filters": asked,
                "format": order.format,
                "contents": order.contents,
            },
        )
        return Export(wanted, order, asked, place=place)
    except BaseException:
        place.leave()
        raise


def _refuse_too_many(wanted: selectors.EventFilter) -> None:
    with selectors.hurried(10):
        found = selectors.matching(wanted)[: MOST_EVENTS + 1].count()
    if found > MOST_EVENTS:
        message = f"More than {MOST_EVENTS:,} events: narrow the period."
        raise Invalid(message, code="export_too_large", fields={"since": [message]})

"""Pages of the log by key: as fast at its end as at its beginning.

A search that names an actor, a type, a request or a thing reads an index in order. One
that does not has only the block index on time, which finds but does not sort; so it
looks at the last hour first, then further and further, until the page is full.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from auditlog.models import Event
from auditlog.selectors.filters import EventFilter
from auditlog.selectors.search import NEWEST_FIRST, OLDEST_FIRST, matching

INDEXED: Final = frozenset(
    {"actor_id", "actor_pseudonym", "event_type", "request_id", "anything"}
)
AHEAD: Final = timedelta(days=1)
STEPS: Final = tuple(timedelta(hours=hours) for hours in (1, 8, 48, 336, 2160))


class Key(NamedTuple):
    """The place of one event in the order of the log."""

    occurred_at: datetime
    event_id: UUID


class Turn(NamedTuple):
    """From which event on, and which way; that event is not among those found."""

    way: Literal["older", "newer"]
    key: Key | None = None


class Page(NamedTuple):
    """Events, newest first, and the keys at which the pages beside this one begin."""

    events: list[Event]
    older: Key | None
    newer: Key | None


START: Final = Turn("older")
_Window = tuple[datetime | None, datetime | None]


def find_page(wanted: EventFilter, *, size: int, turn: Turn = START) -> Page:
    """Return the page of so many events next to the turn's key."""
    found = _take(wanted, turn, most=size + 1)
    has_more, events = len(found) > size, found[:size]
    if turn.way == "newer":
        events.reverse()
        older = _key(events[-1]) if events else turn.key
        return Page(events, older, _key(events[0]) if has_more else None)
    newer = _key(events[0]) if events and turn.key else turn.key
    return Page(events, _key(events[-1]) if has_more else None, newer)


def _take(wanted: EventFilter, turn: Turn, *, most: int) -> list[Event]:
    """Return the next events in the way of the turn."""
    order = NEWEST_FIRST if turn.way == "older" else OLDEST_FIRST
    rows = _beyond(matching(_bounded(wanted)), turn).order_by(*order)
    found: list[Event] = []
    for since, until in _windows(wanted, turn):
        part = rows if since is None else rows.filter(occurred_at__gte=since)
        part = part if until is None else part.filter(occurred_at__lt=until)
        found += part[: most - len(found)]
        if len(found) >= most:
            break
    return found


def _bounded(wanted: EventFilter) -> EventFilter:
    """Leave out what lies ahead, unless it is asked for: partitions wait there, empty.

    Each costs the planner more than the search itself. A day is left to wrong clocks.
    """
    if wanted.get("until"):
        return wanted
    return {**wanted, "until": timezone.now() + AHEAD}


def _beyond(rows: QuerySet[Event], turn: Turn) -> QuerySet[Event]:
    if turn.key is None:
        return rows
    at, event_id = turn.key
    # The first condition says nothing new: it is the one that an index understands.
    if turn.way == "older":
        rows = rows.filter(occurred_at__lte=at)
        return rows.filter(Q(occurred_at__lt=at) | Q(event_id__lt=event_id))
    rows = rows.filter(occurred_at__gte=at)
    return rows.filter(Q(occurred_at__gt=at) | Q(event_id__gt=event_id))


def _windows(wanted: EventFilter, turn: Turn) -> Iterator[_Window]:
    """Yield spans of time next to each other, in the way of the turn."""
    resource = wanted.get("resource") or ""
    if ":" in resource or any(wanted.get(name) for name in INDEXED):
        yield None, None
        return
    if turn.way == "older":
        yield from _backwards(wanted, turn)
    else:
        yield from _forwards(wanted, turn)


def _backwards(wanted: EventFilter, turn: Turn) -> Iterator[_Window]:
    ends = [at for at in (wanted.get("until"), turn.key and turn.key.occurred_at) if at]
    start = min([*ends, timezone.now()])
    since = wanted.get("since")
    marks = [start - step for step in STEPS if not since or start - step > since]
    # What lies in the future, by a clock that was wrong, belongs to the newest.
    yield from _falling([None, *marks, None])


def _forwards(wanted: EventFilter, turn: Turn) -> Iterator[_Window]:
    start = turn.key.occurred_at if turn.key else wanted.get("since")
    if start is None:
        yield None, None
        return
    marks = [start + step for step in STEPS if start + step < timezone.now()]
    yield from pairwise([None, *marks, None])


def _falling(marks: list[datetime | None]) -> Iterator[_Window]:
    """Yield spans whose ends come in falling order."""
    for until, since in pairwise(marks):
        yield since, until


def _key(event: Event) -> Key:
    return Key(event.occurred_at, event.event_id)

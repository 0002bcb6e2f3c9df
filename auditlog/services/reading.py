"""Reading evidence leaves evidence: what is shown is shown after its own event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from auditlog import events, selectors
from auditlog.models import DetectionRule, Event
from auditlog.services.recording import Target, record
from auditlog.shapes import ReadEvent
from chatsec.core.context import current_actor
from chatsec.core.errors import Json, NotFound


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of events, opened, whose reading is on record."""

    events: list[ReadEvent]
    older: str
    newer: str


def read_page(words: Mapping[str, str], *, cursor: str, size: int) -> Shown:
    """Return one page of what the words search for; the search is on record.

    Raises Invalid for words or a cursor that are none, SearchTooWide for too much.
    """
    wanted = selectors.read_filters(words)
    turn = selectors.read_cursor(cursor)
    with selectors.hurried():
        page = selectors.find_page(wanted, size=size, turn=turn)
    found = selectors.read_events(page.events)
    record(events.EVENTS_READ, result_count=len(found), details=_asked(words))
    return Shown(
        found,
        selectors.write_cursor(selectors.Turn("older", page.older)),
        selectors.write_cursor(selectors.Turn("newer", page.newer)),
    )


def read_counts(words: Mapping[str, str]) -> selectors.Counts:
    """Return how many events there were when; the question is on record."""
    now = timezone.now()
    counts = selectors.count_events(selectors.read_filters(words, now=now), now=now)
    record(events.EVENTS_COUNTED, result_count=counts.total, details=_asked(words))
    return counts


def read_event(event_id: UUID) -> ReadEvent:
    """Return one event, opened; the reading is on record."""
    found = selectors.read_events([selectors.get_event(event_id)])[0]
    record(events.EVENT_READ, target=Target("auditlog.Event", event_id))
    return found


def read_story(event: Event, *, most: int) -> list[ReadEvent]:
    """Return the events of the same request in the order of time, on record too."""
    found = selectors.read_events(list(selectors.story_of(event)[:most]))
    if found:
        asked: dict[str, Json] = {"request_id": event.request_id}
        details: dict[str, Json] = {"filters": asked}
        record(events.EVENTS_READ, result_count=len(found), details=details)
    return found


@dataclass(frozen=True, slots=True)
class History:
    """What was changed of a rule, newest first, whose reading is on record."""

    # Of a deleted rule as its newest event says it, '' where that opens no more.
    name: str
    changes: list[selectors.RuleChange]
    older: str
    newer: str


def read_rule_history(rule_id: UUID, *, cursor: str = "", size: int) -> History:
    """Return one page of a rule's changes, a deleted one's too; on record as a search.

    Raises NotFound where there is no such rule and never was, Invalid for a cursor
    that is none.
    """
    turn, wanted = selectors.read_cursor(cursor), selectors.changes_of(rule_id)
    name = DetectionRule.objects.filter(pk=rule_id).values_list("name").first()
    page = selectors.find_page(wanted, size=size, turn=turn)
    if name is None and not page.events:
        raise NotFound("There is no such rule.")
    found = selectors.read_changes(page.events, rule=name[0] if name else "")
    called = name[0] if name else str(found[0].read.details.get("rule", ""))
    asked: dict[str, Json] = {"resource": wanted["resource"]}
    details: dict[str, Json] = {"filters": asked}
    record(events.EVENTS_READ, result_count=len(found), details=details)
    return History(
        called,
        found,
        selectors.write_cursor(selectors.Turn("older", page.older)),
        selectors.write_cursor(selectors.Turn("newer", page.newer)),
    )


def read_person(pseudonym: UUID) -> selectors.ReadPerson:
    """Return what the log knows of one person, on record before it is shown.

    Raises NotFound for a pseudonym of nobody, SearchTooWide where that takes too long.
    """
    now = timezone.now()
    with selectors.hurried():
        found = selectors.read_person(current_actor(), pseudonym, now=now)
    record(
        events.PERSON_READ,
        target=Target("auditlog.Person", pseudonym),
        result_count=len(found.events),
    )
    return found


def _asked(words: Mapping[str, str]) -> dict[str, Json]:
    """Return the search as evidence keeps it: people by pseudonym."""
    return {"filters": dict(selectors.storable_words(words))}

"""Reads of the event log: search, the chapter's shapes, names for pseudonyms."""

from __future__ import annotations

from auditlog.selectors.alerts import ReadAlert, list_alerts, read_alerts
from auditlog.selectors.counting import Bucket, Counts, count_events
from auditlog.selectors.cursors import read_cursor, write_cursor
from auditlog.selectors.filters import (
    EventFilter,
    asked_words,
    read_filters,
    storable_words,
)
from auditlog.selectors.hurry import SearchTooWide, hurried
from auditlog.selectors.paging import Key, Page, Turn, find_page
from auditlog.selectors.people import find_pseudonym
from auditlog.selectors.reading import describe, read_events
from auditlog.selectors.seals import is_sealed
from auditlog.selectors.search import (
    events_about,
    get_event,
    list_events,
    matching,
    story_of,
)
from auditlog.selectors.searches import get_search, list_searches

__all__ = [
    "Bucket",
    "Counts",
    "EventFilter",
    "Key",
    "Page",
    "ReadAlert",
    "SearchTooWide",
    "Turn",
    "asked_words",
    "count_events",
    "describe",
    "events_about",
    "find_page",
    "find_pseudonym",
    "get_event",
    "get_search",
    "hurried",
    "is_sealed",
    "list_alerts",
    "list_events",
    "list_searches",
    "matching",
    "read_alerts",
    "read_cursor",
    "read_events",
    "read_filters",
    "storable_words",
    "story_of",
    "write_cursor",
]

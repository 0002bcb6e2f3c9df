"""Reads of the event log: search, the chapter's shapes, names for pseudonyms."""

from __future__ import annotations

from auditlog.selectors.alerts import ReadAlert, list_alerts, read_alerts
from auditlog.selectors.people import find_pseudonym
from auditlog.selectors.reading import describe, read_events
from auditlog.selectors.seals import is_sealed
from auditlog.selectors.search import (
    EventFilter,
    events_about,
    get_event,
    list_events,
)

__all__ = [
    "EventFilter",
    "ReadAlert",
    "describe",
    "events_about",
    "find_pseudonym",
    "get_event",
    "is_sealed",
    "list_alerts",
    "list_events",
    "read_alerts",
    "read_events",
]

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
from auditlog.selectors.habits import HabitDay, Habits, UnlikeDay
from auditlog.selectors.hurry import SearchTooWide, hurried
from auditlog.selectors.incident_figures import (
    Day,
    Times,
    count_by_state,
    count_given_up,
    incidents_per_day,
    response_times,
)
from auditlog.selectors.incidents import (
    MAX_ALERTS,
    Incidents,
    ReadEntry,
    ReadIncident,
    Story,
    events_behind,
    get_incident,
    list_incidents,
    read_incidents,
    read_story,
)
from auditlog.selectors.paging import Key, Page, Turn, find_page
from auditlog.selectors.people import find_pseudonym, names_behind
from auditlog.selectors.person import Origin, ReadPerson, Role, read_person
from auditlog.selectors.reading import describe, read_events
from auditlog.selectors.retention import SOON, Kept, Part, read_retention
from auditlog.selectors.routes import (
    ReadRoute,
    get_route,
    is_route,
    read_routes,
)
from auditlog.selectors.rule_history import (
    FieldChange,
    RuleChange,
    changes_of,
    read_changes,
)
from auditlog.selectors.rules import (
    find_rule,
    get_rule,
    read_exceptions,
    read_rules,
    rule_id_of,
    rule_of_exception,
)
from auditlog.selectors.sealing import Left, Sealing, read_sealing
from auditlog.selectors.seals import is_sealed
from auditlog.selectors.search import (
    events_about,
    get_event,
    list_events,
    matching,
    story_of,
)
from auditlog.selectors.searches import get_search, list_searches, warm_names
from auditlog.selectors.spooled import dead_records, spooled_records
from auditlog.selectors.trials import get_trial, list_trials

__all__ = [
    "MAX_ALERTS",
    "SOON",
    "Bucket",
    "Counts",
    "Day",
    "EventFilter",
    "FieldChange",
    "HabitDay",
    "Habits",
    "Incidents",
    "Kept",
    "Key",
    "Left",
    "Origin",
    "Page",
    "Part",
    "ReadAlert",
    "ReadEntry",
    "ReadIncident",
    "ReadPerson",
    "ReadRoute",
    "Role",
    "RuleChange",
    "Sealing",
    "SearchTooWide",
    "Story",
    "Times",
    "Turn",
    "UnlikeDay",
    "asked_words",
    "changes_of",
    "count_by_state",
    "count_events",
    "count_given_up",
    "dead_records",
    "describe",
    "events_about",
    "events_behind",
    "find_page",
    "find_pseudonym",
    "find_rule",
    "get_event",
    "get_incident",
    "get_route",
    "get_rule",
    "get_search",
    "get_trial",
    "hurried",
    "incidents_per_day",
    "is_route",
    "is_sealed",
    "list_alerts",
    "list_events",
    "list_incidents",
    "list_searches",
    "list_trials",
    "matching",
    "names_behind",
    "read_alerts",
    "read_changes",
    "read_cursor",
    "read_events",
    "read_exceptions",
    "read_filters",
    "read_incidents",
    "read_person",
    "read_retention",
    "read_routes",
    "read_rules",
    "read_sealing",
    "read_story",
    "response_times",
    "rule_id_of",
    "rule_of_exception",
    "spooled_records",
    "storable_words",
    "story_of",
    "warm_names",
    "write_cursor",
]

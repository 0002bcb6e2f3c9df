"""Incidents as they are read: named, with their story and the events behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from auditlog.constants import AlertState, Severity
from auditlog.models import (
    Alert,
    DetectionRule,
    Event,
    Incident,
    IncidentEntry,
    LogDifference,
    Route,
)
from auditlog.notes import open_note
from auditlog.rules import FLOOR, RuleSpec, events_of
from auditlog.selectors.people import names_of
from auditlog.selectors.reading import read_events
from auditlog.shapes import ReadEvent
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound

# What one page shows of one incident; the search has the rest.
MAX_ENTRIES: Final = 500
MAX_ALERTS: Final = 50
MAX_EVENTS: Final = 50


Incidents = QuerySet[Incident]


class ReadIncident(NamedTuple):
    """An incident with the names behind its pseudonyms."""

    incident: Incident
    actor_name: str | None
    acknowledged_by: str | None
    resolved_by: str | None
    alerts: int


class ReadEntry(NamedTuple):
    """A line of the story; `text` is None where its person was erased."""

    entry: IncidentEntry
    author: str | None
    text: str | None
    route: str | None
    verdict: str


class Story(NamedTuple):
    """Everything about one incident."""

    read: ReadIncident
    entries: list[ReadEntry]
    alerts: list[Alert]
    events: list[ReadEvent]
    # Between log and seals, that nobody has explained: all, as one press explains all.
    differences: list[LogDifference]


def list_incidents(
    *, state: AlertState | None = None, severity: Severity | None = None
) -> QuerySet[Incident]:
    """Return the incidents, newest first."""
    rows = Incident.objects.annotate(alert_count=Count("alerts")).order_by("-id")
    if state is not None:
        rows = rows.filter(state=state)
    return rows if severity is None else rows.filter(severity=severity)


def get_incident(incident_id: UUID) -> Incident:
    """Return one incident; raise NotFound."""
    found = list_incidents().filter(pk=incident_id).first()
    if found is None:
        raise NotFound("There is no such incident.")
    return found


def read_incidents(incidents: Sequence[Incident]) -> list[ReadIncident]:
    """Return the incidents with names, in a constant number of queries."""
    names = _names(
        pseudonym
        for each in incidents
        for pseudonym in (each.actor_pseudonym, each.acknowledged_by, each.resolved_by)
    )
    return [_read(each, names) for each in incidents]


def read_story(incident: Incident) -> Story:
    """Return the incident with its lines, its alerts and the newest events behind."""
    rows = incident.entries.select_related("alert").order_by("-id")[:MAX_ENTRIES]
    entries = list(rows)[::-1]
    alerts = list(incident.alerts.order_by("-last_at")[:MAX_ALERTS])
    people = [incident.actor_pseudonym, incident.acknowledged_by, incident.resolved_by]
    names = _names([*people, *(entry.actor_pseudonym for entry in entries)])
    owner = (
        subject_keys().subject_of(incident.actor_pseudonym)
        if incident.actor_pseudonym
        else None
    )
    routes = _routes(entries)
    return Story(
        _read(incident, names),
        [_entry(entry, names, routes, owner) for entry in entries],
        alerts,
        read_events(list(events_behind(alerts)[:MAX_EVENTS])),
        list(incident.differences.filter(known_mark=None).order_by("id")),
    )


def events_behind(alerts: Sequence[Alert]) -> QuerySet[Event]:
    """Return the events that the alerts rest on, newest first."""
    rules = _rules_of(alerts)
    spans = [
        span
        for alert in alerts
        if (span := _span(alert, rules.get(alert.rule))) is not None
    ]
    if not spans:
        return Event.objects.none()
    found = Event.objects.filter(reduce(or_, spans))
    return found.order_by("-occurred_at", "-event_id")


def _rules_of(alerts: Sequence[Alert]) -> dict[str, RuleSpec]:
    rows = DetectionRule.objects.filter(name__in={alert.rule for alert in alerts})
    return {**FLOOR, **{row.name: row.spec for row in rows}}


def _span(alert: Alert, rule: RuleSpec | None) -> Q | None:
    """Return what the alert's rule counted: nothing where it is about nobody."""
    span = Q(occurred_at__range=(alert.first_at, alert.last_at))
    if alert.actor_pseudonym is not None:
        person = alert.actor_pseudonym
        # Of a sign-in that failed, nobody is the actor.
        span &= Q(actor_pseudonym=person) | Q(subject_pseudonym=person)
    elif alert.group_hash is not None:
        span &= Q(network_hash=alert.group_hash)
    else:
        return None
    names = events_of(rule) if rule else ()
    return span & Q(event_type__in=names) if names else span


def _names(pseudonyms: Iterable[UUID | None]) -> dict[UUID, str]:
    known = {pseudonym for pseudonym in pseudonyms if pseudonym is not None}
    return names_of(subject_keys().subjects_of(known)) if known else {}


def _read(incident: Incident, names: Mapping[UUID, str]) -> ReadIncident:
    count: int = getattr(incident, "alert_count", 0)
    return ReadIncident(
        incident,
        _named(incident.actor_pseudonym, names),
        _named(incident.acknowledged_by, names),
        _named(incident.resolved_by, names),
        count,
    )


def _named(pseudonym: UUID | None, names: Mapping[UUID, str]) -> str | None:
    return names.get(pseudonym) if pseudonym else None


def _routes(entries: Sequence[IncidentEntry]) -> dict[str, str]:
    told = {str(entry.facts["route"]) for entry in entries if "route" in entry.facts}
    if not told:
        return {}
    rows = Route.objects.filter(pk__in=told).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}


def _entry(
    entry: IncidentEntry,
    names: Mapping[UUID, str],
    routes: Mapping[str, str],
    owner: UUID | None,
) -> ReadEntry:
    author = _named(entry.actor_pseudonym, names)
    text = open_note(entry, owner=owner)
    route = routes.get(str(entry.facts.get("route")))
    verdict = str(entry.facts.get("verdict", "")).replace("_", " ")
    return ReadEntry(entry, author, text, route, verdict)

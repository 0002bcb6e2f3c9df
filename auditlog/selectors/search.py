"""Which events a search finds."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from django.db.models import Q, QuerySet

from auditlog.constants import Category
from auditlog.models import Event
from auditlog.redacting import clear_id
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound


class EventFilter(TypedDict, total=False):
    """What a search may ask for; `since` is included, `until` is not."""

    actor_id: UUID | None
    actor_pseudonym: UUID | None
    event_type: str | None
    category: Category | None
    outcome: str | None
    since: datetime | None
    until: datetime | None
    request_id: str | None
    resource: str | None  # "type", "type:id"


def list_events(**wanted: Unpack[EventFilter]) -> QuerySet[Event]:
    """Return the events that meet every condition given, newest first."""
    rows = Event.objects.order_by("-event_id")
    if (actor_id := wanted.get("actor_id")) is not None:
        rows = rows.filter(actor_pseudonym=subject_keys().pseudonym(actor_id))
    exact = {
        "actor_pseudonym": wanted.get("actor_pseudonym"),
        "event_type": wanted.get("event_type"),
        "category": wanted.get("category"),
        "outcome": wanted.get("outcome"),
        "request_id": wanted.get("request_id"),
        "occurred_at__gte": wanted.get("since"),
        "occurred_at__lt": wanted.get("until"),
    }
    rows = rows.filter(**{k: v for k, v in exact.items() if v is not None})
    return _of_resource(rows, wanted.get("resource"))


def get_event(event_id: UUID) -> Event:
    """Return one event; raise NotFound."""
    found = Event.objects.filter(event_id=event_id).first()
    if found is None:
        raise NotFound("There is no such event.")
    return found


def events_about(subject_id: UUID) -> QuerySet[Event]:
    """Return the events that a person caused or is the subject of, oldest first."""
    pseudonym = subject_keys().pseudonym(subject_id)
    theirs = Q(actor_pseudonym=pseudonym) | Q(subject_pseudonym=pseudonym)
    return Event.objects.filter(theirs).order_by("event_id")


def _of_resource(rows: QuerySet[Event], resource: str | None) -> QuerySet[Event]:
    if not resource:
        return rows
    kind, _, identifier = resource.partition(":")
    rows = rows.filter(resource_type=kind)
    return rows.filter(resource_id=clear_id(identifier)) if identifier else rows

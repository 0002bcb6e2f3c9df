"""Which events a search finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Unpack
from uuid import UUID

from django.db.models import Q, QuerySet

from auditlog.models import Event
from auditlog.redacting import clear_id
from auditlog.registry import event_types
from auditlog.selectors.filters import EventFilter
from auditlog.selectors.people import find_pseudonym
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound

NEWEST_FIRST: Final = ("-occurred_at", "-event_id")
OLDEST_FIRST: Final = ("occurred_at", "event_id")


def list_events(**wanted: Unpack[EventFilter]) -> QuerySet[Event]:
    """Return the events that meet every condition given, newest first.

    The order is that of the indexes on actor and type.
    """
    return matching(wanted).order_by(*NEWEST_FIRST)


def matching(wanted: EventFilter) -> QuerySet[Event]:
    """Return the events that meet every condition given, in no order."""
    rows = Event.objects.all()
    for name, value in wanted.items():
        if value is not None:
            rows = rows.filter(_CONDITIONS[name](value))
    return rows


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


def story_of(event: Event) -> QuerySet[Event]:
    """Return the events of the same request, in the order of time."""
    if not event.request_id:
        return Event.objects.none()
    return matching({"request_id": event.request_id}).order_by(*OLDEST_FIRST)


def _of_resource(resource: str) -> Q:
    kind, _, identifier = resource.partition(":")
    found = Q(resource_type=kind)
    return found & Q(resource_id=clear_id(identifier)) if identifier else found


def _of_actor(actor_id: UUID) -> Q:
    return Q(actor_pseudonym=subject_keys().pseudonym(actor_id))


def _of_type(name: str) -> Q:
    """Return the type with its category, which spares the partitions of all others."""
    known = event_types().get(name)
    found = Q(event_type=name)
    return found & Q(category=known.category) if known else found


def _anything(word: str) -> Q:
    found = Q(request_id=word)
    pseudonym = find_pseudonym(word)
    if pseudonym is not None:
        found |= Q(actor_pseudonym=pseudonym) | Q(event_id=pseudonym)
    return found


def _column(lookup: str) -> Callable[[object], Q]:
    return lambda value: Q(**{lookup: value})


_CONDITIONS: Final[Mapping[str, Callable[..., Q]]] = {
    **{
        name: _column(name)
        for name in (
            "actor_pseudonym",
            "category",
            "outcome",
            "severity",
            "request_id",
            "classification",
            "channel",
            "session_hash",
            "ip_hash",
            "network_hash",
            "device_hash",
            "country",
        )
    },
    "since": _column("occurred_at__gte"),
    "until": _column("occurred_at__lt"),
    "actor_id": _of_actor,
    "event_type": _of_type,
    "event_types": _column("event_type__in"),
    "resource": _of_resource,
    "anything": _anything,
}

"""Reads of the event log: search, the chapter's shapes, names for pseudonyms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypedDict, TypeVar, Unpack, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet
from django.utils import timezone

from auditlog.constants import SEALER_PATIENCE, AlertState, Category
from auditlog.models import Alert, Event, Seal
from auditlog.redacting import clear_id
from auditlog.sealing import Column, open_column
from auditlog.shapes import Document, ReadEvent, describe_read
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json, NotFound

T = TypeVar("T")


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


class ReadAlert(NamedTuple):
    """An alert with the name behind its pseudonym."""

    alert: Alert
    actor_name: str | None


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


def list_alerts(*, state: AlertState | None = None) -> QuerySet[Alert]:
    """Return the alerts, newest first."""
    rows = Alert.objects.order_by("-id")
    return rows if state is None else rows.filter(state=state)


def events_about(subject_id: UUID) -> QuerySet[Event]:
    """Return the events that a person caused or is the subject of, oldest first."""
    pseudonym = subject_keys().pseudonym(subject_id)
    theirs = Q(actor_pseudonym=pseudonym) | Q(subject_pseudonym=pseudonym)
    return Event.objects.filter(theirs).order_by("event_id")


def find_pseudonym(name_or_id: str) -> UUID | None:
    """Return the pseudonym of a user given by name or id.

    An id that is no user's is taken for a pseudonym: evidence outlives its people.
    """
    people = get_user_model().objects
    try:
        wanted = UUID(name_or_id)
    except ValueError:
        try:
            person = people.get_by_natural_key(name_or_id)
        except ObjectDoesNotExist:
            return None
        return subject_keys().pseudonym(person.pk)
    if people.filter(pk=wanted).exists():
        return subject_keys().pseudonym(wanted)
    return wanted


def read_events(events: Sequence[Event]) -> list[ReadEvent]:
    """Return the events opened and named; the query count does not depend on them."""
    pseudonyms = {
        pseudonym
        for event in events
        for pseudonym in (event.actor_pseudonym, event.subject_pseudonym)
        if pseudonym is not None
    }
    owners = subject_keys().subjects_of(pseudonyms) if pseudonyms else {}
    subject_keys().warm(owners.values())
    names = _names_of(owners)
    return [_read(event, owners, names) for event in events]


def read_alerts(alerts: Sequence[Alert]) -> list[ReadAlert]:
    """Return the alerts with names, in a constant number of queries."""
    pseudonyms = {alert.actor_pseudonym for alert in alerts}
    names = _names_of(subject_keys().subjects_of(pseudonyms)) if pseudonyms else {}
    return [ReadAlert(alert, names.get(alert.actor_pseudonym)) for alert in alerts]


def describe(event: Event) -> dict[str, Json]:
    """Return the event in the reference chapter's shape; None where it is erased."""
    return describe_read(read_events([event])[0])


def _of_resource(rows: QuerySet[Event], resource: str | None) -> QuerySet[Event]:
    if not resource:
        return rows
    kind, _, identifier = resource.partition(":")
    rows = rows.filter(resource_type=kind)
    return rows.filter(resource_id=clear_id(identifier)) if identifier else rows


def _names_of(owners: Mapping[UUID, UUID]) -> dict[UUID, str]:
    people = get_user_model().objects.filter(pk__in=set(owners.values()))
    usernames = dict(people.values_list("pk", "username"))
    return {
        pseudonym: usernames[owner]
        for pseudonym, owner in owners.items()
        if owner in usernames
    }


def _read(
    event: Event, owners: Mapping[UUID, UUID], names: Mapping[UUID, str]
) -> ReadEvent:
    return ReadEvent(
        event,
        details=_open_details(event, owners),
        subject_details=_open_subject_details(event, owners),
        actor_name=_at(names, event.actor_pseudonym),
        subject_name=_at(names, event.subject_pseudonym),
    )


def _open_details(event: Event, owners: Mapping[UUID, UUID]) -> Document:
    owner = _at(owners, event.actor_pseudonym)
    if event.details is None or (owner is None and event.actor_pseudonym is not None):
        return {}
    return open_column(bytes(event.details), column=_column(event), owner=owner)


def _open_subject_details(event: Event, owners: Mapping[UUID, UUID]) -> Document:
    owner = _at(owners, event.subject_pseudonym)
    if event.subject_details is None or (
        owner is None and event.subject_pseudonym is not None
    ):
        return {}
    column = _column(event)._replace(name="subject_details")
    return open_column(bytes(event.subject_details), column=column, owner=owner)


def _column(event: Event) -> Column:
    category = cast("Category", event.category)
    return Column(event.event_id, event.event_type, category, "details")


def _at(found: Mapping[UUID, T], pseudonym: UUID | None) -> T | None:
    return None if pseudonym is None else found.get(pseudonym)


def is_sealed() -> bool:
    """Whether the sealer works: its last seal is not older than three minutes."""
    last = Seal.objects.order_by("-number").values_list("sealed_at", flat=True).first()
    if last is None:
        # A log that was never sealed is being set up, unless it has a past.
        return not Event.objects.filter(
            occurred_at__lt=timezone.now() - SEALER_PATIENCE
        ).exists()
    return timezone.now() - last < SEALER_PATIENCE

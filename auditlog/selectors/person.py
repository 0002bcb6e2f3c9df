"""One person in the evidence: who it is, what he does, what was found about him.

Each read takes an index and a bounded number of rows, and is as large for somebody
with a million events as for somebody with ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Case, IntegerField, Value, When
from django.utils.module_loading import import_string

from auditlog.constants import PLACES_KEPT_DAYS
from auditlog.models import Alert, Event, KnownPlace
from auditlog.selectors.alerts import ReadAlert, read_alerts
from auditlog.selectors.habits import Habits, read_habits
from auditlog.selectors.incidents import ReadIncident, list_incidents, read_incidents
from auditlog.selectors.paging import AHEAD, find_page
from auditlog.selectors.reading import read_events
from auditlog.selectors.search import NEWEST_FIRST
from auditlog.shapes import ReadEvent
from chatsec.core.context import Actor
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound

# What one page shows of one person; the search has the rest.
MAX_EVENTS: Final = 20
MAX_ABOUT: Final = 10
MAX_FOUND: Final = 20
MAX_ORIGINS: Final = 20
# Of so many events the newest are looked at for where they came from, and for those
# about the person that somebody else caused.
LOOKED_AT: Final = 500
LOOKED_AT_ABOUT: Final = 100
ORIGINS_BACK: Final = timedelta(days=PLACES_KEPT_DAYS)
_OPEN_FIRST: Final = Case(
    When(state="open", then=Value(0)),
    When(state="acknowledged", then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


class Account(NamedTuple):
    """The account behind a pseudonym."""

    username: str
    is_active: bool
    is_service: bool


class Role(NamedTuple):
    """A role that somebody has today."""

    name: str
    label: str


class Origin(NamedTuple):
    """A network or device, as the log knows it, and when it was used."""

    digest: bytes
    first_at: datetime
    last_at: datetime
    countries: tuple[str, ...]
    # An event that came from there, for searches; None where none is recent.
    event_id: UUID | None


class ReadPerson(NamedTuple):
    """What the log holds on one person."""

    pseudonym: UUID
    is_erased: bool
    account: Account | None
    # None where the reader may not see them, or there is nobody any more.
    roles: list[Role] | None
    first_at: datetime | None
    last_at: datetime | None
    habits: Habits
    networks: list[Origin]
    devices: list[Origin]
    incidents: list[ReadIncident]
    alerts: list[ReadAlert]
    events: list[ReadEvent]
    # What others, or nobody who was signed in, did about the person.
    about: list[ReadEvent]


class _Trace(NamedTuple):
    event_id: UUID
    at: datetime
    network: bytes | None
    device: bytes | None
    country: str


def read_person(viewer: Actor, pseudonym: UUID, *, now: datetime) -> ReadPerson:
    """Return what there is under the pseudonym; raise NotFound for one of nobody."""
    owner = subject_keys().subject_of(pseudonym)
    newest = find_page({"actor_pseudonym": pseudonym}, size=MAX_EVENTS).events
    about = _about(pseudonym, now=now)
    found = list_incidents().filter(fingerprint=f"actor:{pseudonym}")
    incidents = list(found.order_by(_OPEN_FIRST, "-id")[:MAX_FOUND])
    alerts = list(
        Alert.objects.filter(actor_pseudonym=pseudonym).order_by(
            _OPEN_FIRST, "-last_at", "-id"
        )[:MAX_FOUND]
    )
    if owner is None and not (newest or about or incidents or alerts):
        raise NotFound("There is no such person.")
    traces = _traces(pseudonym, now=now)
    return ReadPerson(
        pseudonym,
        is_erased=owner is None,
        account=_account(owner) if owner else None,
        roles=_roles(viewer, owner) if owner else None,
        first_at=_first_at(pseudonym, now=now),
        last_at=newest[0].occurred_at if newest else None,
        habits=read_habits(pseudonym, now=now),
        networks=_networks(pseudonym, traces),
        devices=_newest(_origins((each.device, each) for each in traces)),
        incidents=read_incidents(incidents),
        alerts=read_alerts(alerts),
        events=read_events(newest),
        about=read_events(_of_others(about, pseudonym)),
    )


def _account(owner: UUID) -> Account | None:
    rows = get_user_model().objects.filter(pk=owner)
    found = rows.values_list("username", "is_active", "is_service").first()
    return Account(*found) if found else None


def _roles(viewer: Actor, owner: UUID) -> list[Role] | None:
    """Ask who knows roles; None is what the viewer may not see."""
    held = import_string(settings.CHATSEC_HELD_ROLES)(viewer, owner)
    return None if held is None else [Role(*each) for each in held]


def _first_at(pseudonym: UUID, *, now: datetime) -> datetime | None:
    rows = Event.objects.filter(
        actor_pseudonym=pseudonym, occurred_at__lt=now + AHEAD
    ).order_by("occurred_at")
    return rows.values_list("occurred_at", flat=True).first()


def _about(pseudonym: UUID, *, now: datetime) -> list[Event]:
    rows = Event.objects.filter(
        subject_pseudonym=pseudonym, occurred_at__lt=now + AHEAD
    )
    return list(rows.order_by(*NEWEST_FIRST)[:LOOKED_AT_ABOUT])


def _of_others(events: Sequence[Event], pseudonym: UUID) -> list[Event]:
    others = (each for each in events if each.actor_pseudonym != pseudonym)
    return [event for event, _ in zip(others, range(MAX_ABOUT), strict=False)]


def _traces(pseudonym: UUID, *, now: datetime) -> list[_Trace]:
    """Return where the newest events came from, the newest first."""
    rows = Event.objects.filter(
        actor_pseudonym=pseudonym,
        occurred_at__gte=now - ORIGINS_BACK,
        occurred_at__lt=now + AHEAD,
    ).order_by(*NEWEST_FIRST)
    names = ("event_id", "occurred_at", "network_hash", "device_hash", "country")
    return [
        _Trace(event_id, at, _bytes(network), _bytes(device), country or "")
        for event_id, at, network, device, country in rows.values_list(*names)[
            :LOOKED_AT
        ]
    ]


def _networks(pseudonym: UUID, traces: Sequence[_Trace]) -> list[Origin]:
    """Return known places with what events add: countries, and an example."""
    found = _origins((each.network, each) for each in traces)
    places = KnownPlace.objects.filter(actor_pseudonym=pseudonym)
    for place in places.order_by("-last_at")[:MAX_ORIGINS]:
        digest = bytes(place.network_hash)
        seen = found.get(digest)
        found[digest] = Origin(
            digest,
            min(place.first_at, seen.first_at) if seen else place.first_at,
            max(place.last_at, seen.last_at) if seen else place.last_at,
            seen.countries if seen else (),
            seen.event_id if seen else None,
        )
    return _newest(found)


def _origins(pairs: Iterable[tuple[bytes | None, _Trace]]) -> dict[bytes, Origin]:
    """Return each digest with the time that it was used, of traces newest first."""
    grouped: dict[bytes, list[_Trace]] = {}
    for digest, trace in pairs:
        if digest:
            grouped.setdefault(digest, []).append(trace)
    return {
        digest: Origin(
            digest,
            traces[-1].at,
            traces[0].at,
            tuple(sorted(set(_countries(traces)))),
            traces[0].event_id,
        )
        for digest, traces in grouped.items()
    }


def _countries(traces: Iterable[_Trace]) -> Iterator[str]:
    return (trace.country for trace in traces if trace.country)


def _newest(found: dict[bytes, Origin]) -> list[Origin]:
    return sorted(
        found.values(), key=lambda origin: (origin.last_at, origin.digest), reverse=True
    )[:MAX_ORIGINS]


def _bytes(digest: memoryview | bytes | None) -> bytes | None:
    return None if digest is None else bytes(digest)

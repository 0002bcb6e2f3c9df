"""What a route keeps sealed, and at which hours it is told."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from auditlog.models import Route
from chatsec.core.crypto import Place, derived_key, open_sealed, seal

OWNER = "routes"
SATURDAY = 5
Column = Literal["address", "secret"]


def seal_in(route_id: UUID, column: Column, text: str) -> bytes:
    """Return the text sealed for its column of this route."""
    bound_to = Place("auditlog.Route", column, route_id).associated_data(OWNER)
    return seal(_key(), text.encode(), associated_data=bound_to)


def address_of(route: Route) -> str:
    """Return where the route leads."""
    return _open(route, "address", bytes(route.address))


def shown_address(route: Route) -> str:
    """Return the address as far as it may be shown: the rest of a URL is a secret."""
    address = address_of(route)
    if route.channel == "mail":
        return address
    place = urlsplit(address)
    return f"{place.scheme}://{place.netloc}/…"


def secret_of(route: Route) -> str:
    """Return what its messages are signed with; "" where they are not."""
    return _open(route, "secret", bytes(route.secret)) if route.secret else ""


def next_open(route: Route, at: datetime) -> datetime:
    """Return the first moment from `at` on at which the route may be told."""
    zone = ZoneInfo(settings.CHATSEC_TIME_ZONE)
    if _is_open(route, at.astimezone(zone)):
        return at
    today = at.astimezone(zone).date()
    moments = [
        datetime.combine(today + timedelta(days=days), hour, tzinfo=zone)
        for days in range(8)
        for hour in sorted({time(0), route.starts_at or time(0)})
    ]
    return next(
        moment for moment in moments if moment >= at and _is_open(route, moment)
    )


def _is_open(route: Route, at: datetime) -> bool:
    if route.weekdays_only and at.weekday() >= SATURDAY:
        return False
    if route.starts_at is None or route.ends_at is None:
        return True
    hour = at.time()
    if route.starts_at <= route.ends_at:
        return route.starts_at <= hour < route.ends_at
    return hour >= route.starts_at or hour < route.ends_at  # over midnight


def _open(route: Route, column: Column, blob: bytes) -> str:
    bound_to = Place("auditlog.Route", column, route.id).associated_data(OWNER)
    return open_sealed(_key(), blob, associated_data=bound_to).decode()


def _key() -> bytes:
    return derived_key("audit:routes")

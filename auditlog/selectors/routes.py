"""Who is told of incidents, and whether messages arrive there."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Q

from auditlog.models import Delivery, Route
from auditlog.routes import shown_address
from chatsec.core.errors import NotFound


class Messages(NamedTuple):
    """The messages of one route."""

    waiting: int
    given_up: int
    given_up_at: datetime | None


NOTHING: Final = Messages(0, 0, None)


class ReadRoute(NamedTuple):
    """A route with what is known of its messages."""

    route: Route
    address: str
    waiting: int
    given_up: int
    # Whether the newest thing that happened there is a message that was given up.
    is_broken: bool


def read_routes() -> list[ReadRoute]:
    """Return every route by name, in two queries."""
    found = _messages()
    return [
        _read(route, found.get(route.pk, NOTHING))
        for route in Route.objects.order_by("name")
    ]


def _messages() -> dict[UUID, Messages]:
    dead = Q(state="given_up")
    rows = (
        Delivery.objects.order_by()
        .values("route")
        .annotate(
            waiting=Count("pk", filter=Q(state="pending")),
            given_up=Count("pk", filter=dead),
            given_up_at=Max("due_at", filter=dead),
        )
        .values_list("route", "waiting", "given_up", "given_up_at")
    )
    return {route_id: Messages(*numbers) for route_id, *numbers in rows}


def _read(route: Route, messages: Messages) -> ReadRoute:
    failed, sent = messages.given_up_at, route.last_sent_at
    is_broken = failed is not None and (sent is None or sent < failed)
    address = shown_address(route)
    return ReadRoute(route, address, messages.waiting, messages.given_up, is_broken)


def get_route(route_id: UUID) -> Route:
    """Return one route; raise NotFound."""
    found = Route.objects.filter(pk=route_id).first()
    if found is None:
        raise NotFound("There is no such route.")
    return found


def is_route(route_id: UUID) -> bool:
    """Whether there is such a route."""
    return Route.objects.filter(pk=route_id).exists()

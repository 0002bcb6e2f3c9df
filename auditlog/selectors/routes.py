"""Who is told of incidents, and whether messages arrive there."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from auditlog.models import Route
from auditlog.routes import shown_address
from chatsec.core.errors import NotFound


class ReadRoute(NamedTuple):
    """A route with what is known of its messages."""

    route: Route
    address: str
    waiting: int
    given_up: int
    # Whether the newest thing that happened there is a message that was given up.
    is_broken: bool


def list_routes() -> QuerySet[Route]:
    """Return the routes by name, with the counts of their messages."""
    pending, dead = (
        Q(deliveries__state="pending"),
        Q(deliveries__state="given_up"),
    )
    return Route.objects.annotate(
        waiting=Count("deliveries", filter=pending),
        given_up=Count("deliveries", filter=dead),
        given_up_at=Max("deliveries__due_at", filter=dead),
    ).order_by("name")


def read_routes() -> list[ReadRoute]:
    """Return every route, in one query."""
    return [
        ReadRoute(
            route,
            shown_address(route),
            route.waiting,
            route.given_up,
            route.given_up_at is not None
            and (route.last_sent_at is None or route.last_sent_at < route.given_up_at),
        )
        for route in list_routes()
    ]


def get_route(route_id: UUID) -> Route:
    """Return one route; raise NotFound."""
    found = Route.objects.filter(pk=route_id).first()
    if found is None:
        raise NotFound("There is no such route.")
    return found


def is_route(route_id: UUID) -> bool:
    """Whether there is such a route."""
    return Route.objects.filter(pk=route_id).exists()

"""Alerts and incidents about somebody."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.models import Alert, Incident, Route
from auditlog.services import incidents, routing
from auditlog.tests.factories import Somebody
from chatsec.core.context import SYSTEM
from chatsec.core.crypto import subject_keys

HOUR = timedelta(hours=1)


def make_alert(
    about: UUID | None = None,
    *,
    rule: str = "denials_in_5_minutes",
    at: datetime | None = None,
    **fields: object,
) -> Alert:
    """Return an alert about the person, or about a new one."""
    at = at or timezone.now()
    pseudonym = subject_keys().pseudonym(about or Somebody().id)
    return Alert.objects.create(
        rule=rule,
        fingerprint=uuid7().hex,
        last_at=at,
        count=4,
        created_at=at,
        **{"actor_pseudonym": pseudonym, "first_at": at, **fields},
    )


def make_incident(about: UUID | None = None, **alert: object) -> Incident:
    """Return the incident of a new alert about the person."""
    return incidents.take_alert(make_alert(about, **alert))  # type: ignore[arg-type]


def make_route(
    channel: str = "mail", address: str = "soc@example.org", **terms: object
) -> Route:
    """Return a route that is told of everything."""
    route = Route()
    wanted = {"name": f"{channel} {address}"[:80], "minimal_severity": "info", **terms}
    routing.save_route(
        SYSTEM,
        route,
        routing.Terms(channel=channel, address=address, **wanted),  # type: ignore[arg-type]
    )
    return route

"""How what the log knows of one person reads as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.conf import settings

from auditlog import selectors
from auditlog.incident_shapes import alert_row, incident_row
from auditlog.shapes import row_of
from chatsec.core.errors import Json

# So much of a digest tells networks and devices of one person apart.
SHORT_DIGEST: Final = 12


def person_detail(read: selectors.ReadPerson) -> dict[str, Json]:
    """Return everything that is shown of the person."""
    account = read.account
    return {
        "user_id": str(read.pseudonym),
        "actor_name": account.username if account else None,
        "is_erased": read.is_erased,
        "is_active": account.is_active if account else None,
        "is_service": account.is_service if account else None,
        "roles": _roles(read),
        "first_at": _moment(read.first_at),
        "last_at": _moment(read.last_at),
        **_habits(read.habits),
        "networks": [_origin(each) for each in read.networks],
        "devices": [_origin(each) for each in read.devices],
        "incidents": [incident_row(each) for each in read.incidents],
        "alerts": [alert_row(each) for each in read.alerts],
        "events": [row_of(each) for each in read.events],
        "about": [row_of(each) for each in read.about],
    }


def short_digest(digest: bytes) -> str:
    """Return the digest as far as it is shown."""
    return digest.hex()[:SHORT_DIGEST]


def _roles(read: selectors.ReadPerson) -> Json:
    if read.roles is None:
        return None
    return [{"name": role.name, "label": role.label} for role in read.roles]


def _habits(habits: selectors.Habits) -> dict[str, Json]:
    return {
        "time_zone": settings.CHATSEC_TIME_ZONE,
        "days": [{"on": day.on.isoformat(), **day.counts} for day in habits.days],
        "usual_day": {name: round(x, 1) for name, x in habits.usual.items()},
        "hours": [{"hour": hour, "days": n} for hour, n in enumerate(habits.hours)],
        "unlike_days": [
            {"on": day.on.isoformat(), "aspect": day.aspect, "bits": round(day.bits, 1)}
            for day in habits.unlike
        ],
    }


def _origin(origin: selectors.Origin) -> dict[str, Json]:
    return {
        "digest": short_digest(origin.digest),
        "countries": list(origin.countries),
        "first_at": _moment(origin.first_at),
        "last_at": _moment(origin.last_at),
        "event": str(origin.event_id) if origin.event_id else None,
    }


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None

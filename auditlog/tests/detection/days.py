"""Days that people lived, and how unlike their own past they are judged to be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from uuid import UUID

from auditlog import events
from auditlog.models import ActorDay, ActorSurprise
from auditlog.services.detection import surprise
from auditlog.tests.detection.factories import DAY, HOUR, MINUTE, every, make_events

# A day that is old enough for all that is judged to lie in the past.
TODAY = datetime.now(UTC).date() - DAY
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
NIGHT = NOON.replace(hour=2)
# The days that are compared with: those of this week are left out.
PAST = [TODAY - DAY * age for age in range(8, 29)]
THIS_WEEK = [TODAY - DAY * age for age in range(1, 8)]


def live(
    who: UUID,
    days: Iterable[date] = (*PAST, *THIS_WEEK),
    *,
    reads: dict[str, int] | None = None,
    hour: int = 12,
    is_program: bool = False,
) -> UUID:
    """Leave days on which somebody worked at this hour and read the same as ever."""
    rows = [
        ActorDay(
            actor_pseudonym=who,
            day=day,
            aspect=aspect,
            value=value,
            n=n,
            is_program=is_program,
            last_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        )
        for day in days
        for aspect, value, n in [
            ("hours", str(hour), 6),
            ("acts", "chatbot_query", 6),
            ("acts", "data_access", 6),
            *(("reads", f"sales/{name}", n) for name, n in (reads or USUAL).items()),
        ]
    ]
    ActorDay.objects.bulk_create(rows)
    return who


USUAL = {"summary": 4, "trend": 2}


def read(who: UUID, name: str, count: int, *, at: datetime = NOON) -> None:
    make_events(
        events.DATA_ACCESS,
        every(MINUTE, count=count, until=at),
        actor_pseudonym=who,
        resource_type="sales",
        resource_id=name,
    )


def ask(who: UUID, count: int = 6, *, at: datetime = NOON) -> None:
    make_events(
        events.CHATBOT_QUERY, every(MINUTE, count=count, until=at), actor_pseudonym=who
    )


def refuse(who: UUID, permission: str, *, at: datetime = NOON) -> None:
    make_events(
        events.AUTHORIZATION_DENIED,
        [at],
        actor_pseudonym=who,
        resource_type="rbac.permission",
        resource_id=permission,
        outcome="denied",
    )


def judged(who: UUID, days: int = 1) -> ActorSurprise:
    surprise.count_days(now=NOON + HOUR)
    return ActorSurprise.objects.get(actor_pseudonym=who, day=TODAY, days=days)

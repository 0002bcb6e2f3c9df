"""What somebody did day by day, at which hours, and how unlike his own past it was."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce, TruncHour

from auditlog.constants import ASPECTS, BASELINE_DAYS, Aspect, Metric
from auditlog.models import ActorBaseline, ActorHour, ActorSurprise, Event

DAY: Final = timedelta(days=1)
# Hours are counted once an hour: the newest are looked up in the log itself, or the
# page would know nothing of what is going on.
UNCOUNTED: Final = timedelta(hours=2)
MAX_UNLIKE: Final = 5
SHOWN: Final[tuple[Metric, ...]] = ("queries", "records", "denials")
_Row = tuple[datetime, int, int, int]


class HabitDay(NamedTuple):
    """One day, in the installation's zone, and what was done on it."""

    on: date
    since: datetime
    until: datetime
    counts: Mapping[Metric, int]


class UnlikeDay(NamedTuple):
    """A day, and in what it was most unlike the person's own past: by so many bits."""

    on: date
    aspect: Aspect
    bits: float


class Habits(NamedTuple):
    """Four weeks, today last, and what is usual."""

    days: list[HabitDay]
    # On how many of the days something was asked, read or refused in each hour of 24.
    hours: list[int]
    # What counts as a usual day, as far as anything does yet.
    usual: Mapping[Metric, float]
    # The most unlike first.
    unlike: list[UnlikeDay]


def read_habits(pseudonym: UUID, *, now: datetime) -> Habits:
    """Return what is known of four weeks of somebody; zeros where nothing is."""
    zone = ZoneInfo(settings.CHATSEC_TIME_ZONE)
    today = now.astimezone(zone).date()
    dates = [today - DAY * age for age in reversed(range(BASELINE_DAYS))]
    rows = _counted(pseudonym, since=_midnight(dates[0], zone), now=now)
    found: list[_Row] = [
        (hour.astimezone(zone), queries, records, denials)
        for hour, queries, records, denials in rows
    ]
    return Habits(
        _days(found, dates, zone),
        _hours(found),
        _usual(pseudonym),
        _unlike(pseudonym, since=dates[0]),
    )


def _counted(pseudonym: UUID, *, since: datetime, now: datetime) -> list[_Row]:
    """Return the person's hours: those that were counted, and then the newest."""
    fresh = now.replace(minute=0, second=0, microsecond=0) - UNCOUNTED
    hours = ActorHour.objects.filter(
        actor_pseudonym=pseudonym, hour__gte=since, hour__lt=fresh
    ).order_by()
    events = Event.objects.filter(
        actor_pseudonym=pseudonym,
        occurred_at__gte=fresh,
        occurred_at__lte=now,
        event_type__in=("chatbot_query", "data_access", "authorization_denied"),
    )
    records = Sum("result_count", filter=Q(event_type="data_access"))
    newest = (
        events.exclude(actor_kind="system")
        .annotate(hour=TruncHour("occurred_at", tzinfo=UTC))
        .values_list("hour")
        .annotate(
            queries=Count("pk", filter=Q(event_type="chatbot_query")),
            records=Coalesce(records, 0),
            denials=Count("pk", filter=Q(event_type="authorization_denied")),
        )
        .order_by()
    )
    return [*hours.values_list("hour", *SHOWN), *newest]


def _days(
    rows: Sequence[_Row], dates: Sequence[date], zone: ZoneInfo
) -> list[HabitDay]:
    counted: dict[date, Counter[Metric]] = {on: Counter() for on in dates}
    for hour, *counts in rows:
        counted[hour.date()].update(dict(zip(SHOWN, counts, strict=True)))
    return [
        HabitDay(
            on,
            _midnight(on, zone),
            _midnight(on + DAY, zone),
            {metric: counts[metric] for metric in SHOWN},
        )
        for on, counts in counted.items()
    ]


def _hours(rows: Sequence[_Row]) -> list[int]:
    # A sign-in that failed is not his being there.
    there = {(hour.date(), hour.hour) for hour, *counts in rows if any(counts)}
    days = Counter(hour for _, hour in there)
    return [days[hour] for hour in range(24)]


def _usual(pseudonym: UUID) -> dict[Metric, float]:
    rows = ActorBaseline.objects.filter(
        actor_pseudonym=pseudonym, hour_class="day", metric__in=SHOWN
    )
    medians = dict(rows.values_list("metric", "median"))
    return {
        metric: math.expm1(medians[metric]) for metric in SHOWN if metric in medians
    }


def _unlike(pseudonym: UUID, *, since: date) -> list[UnlikeDay]:
    """Return the most unlike of the days, each by itself: at most one row a day."""
    rows = ActorSurprise.objects.filter(
        actor_pseudonym=pseudonym, day__gte=since, days=1
    )
    found = []
    for on, *bits in rows.order_by().values_list("day", *ASPECTS):
        most = max(bits)
        if most > 0:
            found.append(UnlikeDay(on, ASPECTS[bits.index(most)], most))
    found.sort(key=lambda day: (day.bits, day.on), reverse=True)
    return found[:MAX_UNLIKE]


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone)

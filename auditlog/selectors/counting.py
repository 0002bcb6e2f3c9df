"""How many events there were when, by outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Count, DateTimeField, DurationField, F, Func, Value
from django.utils import timezone

from auditlog.constants import OUTCOMES
from auditlog.selectors.filters import EventFilter
from auditlog.selectors.hurry import hurried
from auditlog.selectors.search import matching

MOST_BUCKETS: Final = 60
DEFAULT_PERIOD: Final = timedelta(days=30)
# A Monday, so that weeks begin on one.
ORIGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)
STEPS: Final = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 10_080, 40_320, 161_280)
)

LONGEST: Final = MOST_BUCKETS * STEPS[-1]


class Bucket(NamedTuple):
    """A span of time and how many events of each outcome fell into it."""

    since: datetime
    until: datetime
    outcomes: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return how many events there were."""
        return sum(self.outcomes.values())


class Counts(NamedTuple):
    """Buckets without a gap over a period."""

    since: datetime
    until: datetime
    step: timedelta
    buckets: list[Bucket]

    @property
    def total(self) -> int:
        """Return how many events there were."""
        return sum(bucket.total for bucket in self.buckets)


def count_events(wanted: EventFilter, *, now: datetime | None = None) -> Counts:
    """Return the counts of the period, or of 30 days where none is given.

    Raises SearchTooWide where that takes too long.
    """
    until = wanted.get("until") or now or timezone.now()
    since = max(wanted.get("since") or until - DEFAULT_PERIOD, until - LONGEST)
    step = next(
        (step for step in STEPS if (until - since) / step <= MOST_BUCKETS), STEPS[-1]
    )
    rows = matching({**wanted, "since": since, "until": until})
    bins = Func(
        Value(step, output_field=DurationField()),
        F("occurred_at"),
        Value(ORIGIN),
        function="date_bin",
        output_field=DateTimeField(),
    )
    found: dict[datetime, dict[str, int]] = {}
    with hurried():
        grouped = rows.annotate(bin=bins).values_list("bin", "outcome")
        for start, outcome, number in grouped.annotate(number=Count("*")):
            found.setdefault(start, {})[outcome] = number
    return Counts(since, until, step, _filled(found, since, until, step))


def _filled(
    found: Mapping[datetime, Mapping[str, int]],
    since: datetime,
    until: datetime,
    step: timedelta,
) -> list[Bucket]:
    """Return a bucket for every step, empty ones too."""
    start = ORIGIN + (since - ORIGIN) // step * step
    buckets = []
    while start < until:
        counts = found.get(start, {})
        outcomes: dict[str, int] = {name: counts.get(name, 0) for name in OUTCOMES}
        buckets.append(Bucket(start, start + step, outcomes))
        start += step
    return buckets

"""How many incidents there are, and how fast they are taken on and closed.

Times count from when an incident was opened or last reopened, in seconds. The median
is what usually happens; a mean far above it says that some were left lying.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncDate

from auditlog.constants import INCIDENT_STATES, SEVERITIES
from auditlog.models import Delivery, Incident

_TIMES: Final = """
    SELECT severity, count(*),
        avg(extract(epoch FROM acknowledged_at - raised_at)),
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY extract(epoch FROM acknowledged_at - raised_at)),
        avg(extract(epoch FROM resolved_at - raised_at)),
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY extract(epoch FROM resolved_at - raised_at)),
        count(*) FILTER (WHERE verdict = 'true_positive'),
        count(*) FILTER (WHERE state = 'resolved')
    FROM auditlog_incident
    WHERE raised_at >= %s AND raised_at < %s
    GROUP BY GROUPING SETS ((severity), ())
"""


class Times(NamedTuple):
    """How fast incidents of one severity, or of all, were dealt with."""

    severity: str | None  # None: all of them
    incidents: int
    mean_to_acknowledge: float | None
    median_to_acknowledge: float | None
    mean_to_resolve: float | None
    median_to_resolve: float | None
    true_positives: int
    resolved: int


class Day(NamedTuple):
    """How many incidents were opened on one day (UTC), by severity."""

    on: date
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """Return how many in all."""
        return sum(self.counts.values())


def response_times(*, since: datetime, until: datetime) -> list[Times]:
    """Return the times of incidents raised in [since, until): all, then the worst."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, [since, until])
        rows = [_times(row) for row in cursor.fetchall()]
    order = ["", *reversed(SEVERITIES)]
    return sorted(rows, key=lambda times: order.index(times.severity or ""))


def _times(row: tuple[Any, ...]) -> Times:
    severity, incidents, *figures, true_positives, resolved = row
    # Averages come as decimals, medians as floats.
    numbers = (None if each is None else float(each) for each in figures)
    to_acknowledge, median_to_acknowledge, to_resolve, median_to_resolve = numbers
    return Times(
        severity=severity,
        incidents=incidents,
        mean_to_acknowledge=to_acknowledge,
        median_to_acknowledge=median_to_acknowledge,
        mean_to_resolve=to_resolve,
        median_to_resolve=median_to_resolve,
        true_positives=true_positives,
        resolved=resolved,
    )


def incidents_per_day(*, days: int, now: datetime) -> list[Day]:
    """Return the last `days` days, today last, also those without any."""
    today = now.date()
    first = today - timedelta(days=days - 1)
    rows = (
        Incident.objects.filter(opened_at__date__gte=first)
        .annotate(on=TruncDate("opened_at"))
        .values_list("on", "severity")
        .annotate(number=Count("pk"))
        .order_by()
    )
    found = {(on, severity): number for on, severity, number in rows}
    return [
        Day(on, {each: found.get((on, each), 0) for each in SEVERITIES})
        for on in (first + timedelta(days=offset) for offset in range(days))
    ]


def count_by_state() -> dict[str, int]:
    """Return how many incidents are in each state."""
    rows = Incident.objects.values_list("state").annotate(Count("pk")).order_by()
    return {**dict.fromkeys(INCIDENT_STATES, 0), **dict(rows)}


def count_given_up(*, since: datetime) -> int:
    """Return how many messages never arrived."""
    return Delivery.objects.filter(state="given_up", created_at__gte=since).count()

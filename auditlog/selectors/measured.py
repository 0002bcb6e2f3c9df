"""What Prometheus is told of incidents, streams and the scan; no name of a person."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from auditlog.constants import SEVERITIES
from auditlog.models import DetectionRule, EventStream, Incident, RuleRun
from auditlog.rules import FLOOR
from auditlog.selectors.sealed import Lag, Mark, lag_behind
from chatsec.core.metrics import Labelled

UNRESOLVED: Final = ("open", "acknowledged")


def unresolved_incidents() -> Labelled:
    """Incidents that are not resolved, by severity and state."""
    counted = Incident.objects.filter(state__in=UNRESOLVED).values_list(
        "severity", "state"
    )
    found = {(s, t): float(n) for s, t, n in counted.annotate(n=Count("id"))}
    every = [(severity, state) for severity in SEVERITIES for state in UNRESOLVED]
    return Labelled(("severity", "state"), {key: found.get(key, 0.0) for key in every})


def oldest_unacknowledged_seconds() -> float:
    """How long the oldest incident waits that nobody took on; 0 where none does."""
    waiting = Incident.objects.filter(state="open")
    return _age(waiting.aggregate(at=Min("raised_at"))["at"])


def stream_lag_events() -> Labelled:
    """Sealed events that an enabled stream has not delivered yet."""
    return Labelled(
        ("stream",), {(name,): float(lag.events) for name, lag in _lags().items()}
    )


def stream_lag_seconds() -> Labelled:
    """How long the first event waits that an enabled stream has not delivered."""
    return Labelled(
        ("stream",), {(name,): float(lag.seconds) for name, lag in _lags().items()}
    )


def scan_seconds() -> float:
    """How long the rules took in their last scan, all together."""
    took = RuleRun.objects.filter(rule__in=_active()).aggregate(ms=Sum("took_ms"))
    return float(took["ms"] or 0.0) / 1000


def scan_age_seconds() -> float:
    """How long ago the last rule was run; 0 before the first scan."""
    # What is learned besides is noted there too, also where no rule is run any more.
    runs = RuleRun.objects.filter(rule__in=_active())
    return _age(runs.aggregate(at=Max("scanned_until"))["at"])


def failing_rules() -> float:
    """Rules that are on and whose last run failed."""
    failing = RuleRun.objects.filter(rule__in=_active(), failures__gt=0)
    return float(failing.count())


def _active() -> list[str]:
    rows = DetectionRule.objects.filter(is_enabled=True)
    return [*FLOOR, *rows.values_list("name", flat=True)]


def _lags() -> dict[str, Lag]:
    rows = EventStream.objects.filter(is_enabled=True).order_by("name")
    return {row.name: lag_behind(Mark(row.seal_number, row.position)) for row in rows}


def _age(at: datetime | None) -> float:
    return max(0.0, (timezone.now() - at).total_seconds()) if at else 0.0

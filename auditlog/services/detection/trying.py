"""What a rule would have found: over the past, with nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction

from auditlog.errors import TrialTooLong
from auditlog.rules import Finding, RuleSpec, Span
from auditlog.services.detection.evaluation import (
    NOBODY,
    declared_for,
    evaluate,
    exemptions,
)

LONGEST_TRIAL: Final = timedelta(days=90)
DAY: Final = timedelta(days=1)
# These compare with what is known at a moment, so they are asked day by day.
BY_THE_DAY: Final = frozenset({"dormant", "drift"})


@dataclass(frozen=True, slots=True)
class DryRun:
    """The episodes that a rule would have found, and how many began on each day."""

    findings: tuple[Finding, ...]
    per_day: Mapping[date, int]


def dry_run(rule: RuleSpec, *, since: datetime, until: datetime) -> DryRun:
    """Return what the rule finds in the span; the transaction can write nothing.

    Baselines are those of today: they say what is usual now, not what was then.
    """
    if not timedelta(0) < until - since <= LONGEST_TRIAL:
        raise TrialTooLong
    exempt = exemptions(now=until).get(rule.name, NOBODY)
    own = replace(exempt, declared=declared_for(rule))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '60s'")
            cursor.execute("SET TRANSACTION READ ONLY")
        found = tuple(
            finding
            for span in _spans(rule, since, until)
            for finding in evaluate(rule, span, own)
        )
    merged = tuple(_merged(found, apart=rule.window))
    return DryRun(merged, _per_day(merged, since, until))


def _spans(rule: RuleSpec, since: datetime, until: datetime) -> Iterator[Span]:
    if rule.kind not in BY_THE_DAY:
        yield Span(since, until)
        return
    while since < until:
        yield Span(since, min(since + DAY, until))
        since += DAY


def _merged(findings: tuple[Finding, ...], *, apart: timedelta) -> Iterator[Finding]:
    """Yield the episodes, of two that belong together one: as alerts would be."""
    last: dict[object, Finding] = {}
    for finding in sorted(findings, key=lambda one: one.first_at):
        known = last.get(finding.key)
        if known is not None and known.last_at >= finding.first_at - apart:
            last[finding.key] = known._replace(
                last_at=max(known.last_at, finding.last_at),
                count=max(known.count, finding.count),
            )
            continue
        if known is not None:
            yield known
        last[finding.key] = finding
    yield from last.values()


def _per_day(
    findings: tuple[Finding, ...], since: datetime, until: datetime
) -> dict[date, int]:
    begun = Counter(max(finding.first_at, since).date() for finding in findings)
    days = (until.date() - since.date()).days + 1
    every = [since.date() + number * DAY for number in range(days)]
    return {day: begun[day] for day in every}

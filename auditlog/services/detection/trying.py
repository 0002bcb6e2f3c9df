"""What a rule would have found: over the past, with nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction

from auditlog.errors import TrialTooLong
from auditlog.rules import Finding, RuleSpec, Span
from auditlog.rules.statements import Exempt
from auditlog.services.detection.evaluation import (
    NOBODY,
    declared_for,
    evaluate,
    exemptions,
)

LONGEST_TRIAL: Final = timedelta(days=90)
DAY: Final = timedelta(days=1)
# These compare with what is known at a moment, so they are asked day by day.
BY_THE_DAY: Final = frozenset({"dormant", "drift", "surprise"})
STATEMENT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class DryRun:
    """The episodes that a rule would have found, and how many began on each day."""

    findings: tuple[Finding, ...]
    per_day: Mapping[date, int]


def dry_run(rule: RuleSpec, *, since: datetime, until: datetime) -> DryRun:
    """Return what the rule finds in the span, however long that takes.

    Baselines are those of today: they say what is usual now, not what was then.
    """
    exempt = exempt_from(rule, now=until)
    found = [
        finding
        for span in spans_of(rule, since=since, until=until)
        for finding in look(rule, span, exempt)
    ]
    return summed_up(rule, found, since=since, until=until)


def spans_of(rule: RuleSpec, *, since: datetime, until: datetime) -> list[Span]:
    """Return the parts that are looked through one by one; raise TrialTooLong."""
    if not timedelta(0) < until - since <= LONGEST_TRIAL:
        raise TrialTooLong
    if rule.kind not in BY_THE_DAY:
        return [Span(since, until)]
    parts = []
    while since < until:
        parts.append(Span(since, min(since + DAY, until)))
        since += DAY
    return parts


def exempt_from(rule: RuleSpec, *, now: datetime) -> Exempt:
    """Return whom the rule leaves out now."""
    exempt = exemptions(now=now).get(rule.name, NOBODY)
    return replace(exempt, declared=declared_for(rule))


def look(
    rule: RuleSpec, span: Span, exempt: Exempt, *, seconds: float = STATEMENT_SECONDS
) -> list[Finding]:
    """Return what the rule finds there, within so long, or raise OperationalError.

    The transaction can write nothing.
    """
    milliseconds = max(1, round(seconds * 1000))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [milliseconds])
            cursor.execute("SET TRANSACTION READ ONLY")
        found = evaluate(rule, span, exempt)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    return found


def summed_up(
    rule: RuleSpec, findings: Iterable[Finding], *, since: datetime, until: datetime
) -> DryRun:
    """Return the episodes, of those that belong together one, and their days."""
    merged = tuple(_merged(findings, apart=rule.window))
    return DryRun(merged, _per_day(merged, since, until))


def _merged(findings: Iterable[Finding], *, apart: timedelta) -> Iterator[Finding]:
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

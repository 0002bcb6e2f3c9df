"""The scan: every enabled rule, each in a transaction of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from auditlog import events
from auditlog.constants import (
    FAILURES_TO_ALERT,
    FIRST_SCAN,
    LONGEST_SCAN,
    SCAN_SLACK,
)
from auditlog.models import Alert, DetectionRule, RuleRun
from auditlog.rules import FLOOR, OWN, Finding, RuleSpec, Span, find_loosened
from auditlog.services.detection import risk, surprise
from auditlog.services.detection.alerting import alert_for_failing, raise_alerts
from auditlog.services.detection.evaluation import (
    NOBODY,
    declared_for,
    evaluate,
    exemptions,
)
from auditlog.services.detection.places import keep_places
from auditlog.services.detection.screening import FOR_THE_SCAN, Task, screened
from auditlog.services.detection.turns import BY_THE_HOUR, ROUND, whose_turn
from auditlog.services.failures import message_shape, stack_without_values
from auditlog.services.recording import Target, record
from chatsec.core.context import SYSTEM

logger = logging.getLogger(__name__)
# Two scanners may run the same rule one after the other, never at once.
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('chatsec rule ' || %s));"


def run_rules(*, now: datetime, rules: Iterable[RuleSpec] | None = None) -> list[Alert]:
    """Give every finding its alert; return those that are newly open.

    Run late or twice it comes to the same: each rule goes on from where it ended. What
    fails in one rule is on record and keeps no other from running.
    """
    _learn_places(now=now)
    tasks = screened(_tasks(effective_rules() if rules is None else rules, now=now))
    # Weak signs come before what adds them up.
    tasks.sort(key=lambda task: task.spec.kind == "risk")
    found: list[Alert] = []
    for task in tasks:
        if not task.finds_nothing:
            found += _run_safely(task, now=now)
    _note_runs([task for task in tasks if task.finds_nothing])
    return found


def effective_rules() -> list[RuleSpec]:
    """Return the enabled rules, and the floor even where its rows are gone or loose."""
    rows = DetectionRule.objects.filter(is_enabled=True).order_by("name")
    # What is raised without a rule is no rule's to raise.
    specs = {row.name: row.spec for row in rows.exclude(name__in=OWN)}
    for name, floor in FLOOR.items():
        if name not in specs or find_loosened(specs[name]):
            specs[name] = floor
    return list(specs.values())


def _learn_places(*, now: datetime) -> None:
    """Bring up to now what rules know of places; rules run with what there is."""
    try:
        keep_places(now=now)
    except Exception as error:  # noqa: BLE001 - what is known of places stops no rule
        logger.warning("places were not kept: %s", type(error).__name__)


def _tasks(rules: Iterable[RuleSpec], *, now: datetime) -> list[Task]:
    exempt = exemptions(now=now)
    ends = dict(RuleRun.objects.values_list("rule", "scanned_until"))
    tasks = []
    for spec in rules:
        whom = replace(exempt.get(spec.name, NOBODY), declared=declared_for(spec))
        ended = ends.get(spec.name)
        if spec.kind in BY_THE_HOUR:
            whom = replace(whom, turns=whose_turn(ended, now=now))
            # Their last turn was before that of those who came last.
            ended = ended and ended - ROUND
        span, done_until = _span(ended, now=now), _done_until(spec, ends, now=now)
        tasks.append(Task(spec, span, whom, done_until))
    return tasks


def _done_until(
    spec: RuleSpec, ends: Mapping[str, datetime | None], *, now: datetime
) -> datetime:
    """Return up to when the rule will have looked: days are counted by another task.

    While that one stands still, what happens is not looked at yet.
    """
    if spec.kind != "surprise":
        return now
    return min(now, ends.get(surprise.RUN) or ends.get(spec.name) or now)


def _run_safely(task: Task, *, now: datetime) -> list[Alert]:
    spec = task.spec
    try:
        return _run(task, now=now)
    except Exception as error:  # noqa: BLE001 - a rule that fails must not stop others
        logger.warning("detection rule %s failed: %s", spec.name, type(error).__name__)
        _note_failure(spec, error, now=now)
        return []


def _run(task: Task, *, now: datetime) -> list[Alert]:
    began, spec = time.perf_counter(), task.spec
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME + FOR_THE_SCAN, [spec.name])
        found = _keep(spec, evaluate(spec, task.span, task.exempt), now=now)
        took = task.took + time.perf_counter() - began
        _note_runs([replace(task, took=took)])
    return found


def _note_runs(tasks: Iterable[Task]) -> None:
    """Keep how far the rules have come.

    A clock that went back does not make the next scan skip what it has not seen.
    """
    runs = [
        RuleRun(
            rule=task.spec.name,
            scanned_until=task.done_until,
            took_ms=task.took * 1000,
        )
        for task in tasks
    ]
    # In the order of their names: of two scanners none waits for the other in a circle.
    runs.sort(key=lambda run: run.rule)
    columns = ["scanned_until", "took_ms", "failures", "last_error"]
    RuleRun.objects.bulk_create(
        runs, update_conflicts=True, unique_fields=["rule"], update_fields=columns
    )


def _keep(spec: RuleSpec, findings: list[Finding], *, now: datetime) -> list[Alert]:
    if spec.risk:
        risk.note_signs(spec, findings)
        return []
    return raise_alerts(spec, findings, now=now)


def _span(scanned_until: datetime | None, *, now: datetime) -> Span:
    """Return from where on findings are looked for: what may have come late included.

    Events are committed after the moment that they carry, and clocks differ.
    """
    if scanned_until is None:
        return Span(now - FIRST_SCAN, now)
    since = min(scanned_until, now) - SCAN_SLACK
    return Span(max(since, now - LONGEST_SCAN), now)


def _note_failure(spec: RuleSpec, error: Exception, *, now: datetime) -> None:
    with transaction.atomic():
        run, _ = RuleRun.objects.get_or_create(rule=spec.name)
        run.failures += 1
        run.last_error = type(error).__name__[:100]
        run.save(update_fields=["failures", "last_error"])
        record(
            events.RULE_FAILED,
            actor=SYSTEM,
            outcome="error",
            target=Target("auditlog.DetectionRule", spec.name),
            details={
                "rule": spec.name,
                "failures": run.failures,
                "error_type": run.last_error,
                "error_message": message_shape(error),
                "stack_trace": stack_without_values(error),
            },
        )
        if run.failures == FAILURES_TO_ALERT:
            alert_for_failing(spec, now=now)

"""The scan: every enabled rule, each in a transaction of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
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
from auditlog.rules import FLOOR, Finding, RuleSpec, Span, find_loosened
from auditlog.rules.statements import Exempt
from auditlog.services.detection import risk
from auditlog.services.detection.alerting import alert_for_failing, raise_alerts
from auditlog.services.detection.evaluation import (
    NOBODY,
    declared_for,
    evaluate,
    exemptions,
)
from auditlog.services.detection.places import keep_places
from auditlog.services.failures import message_shape, stack_without_values
from auditlog.services.recording import Target, record
from chatsec.core.context import SYSTEM

logger = logging.getLogger(__name__)
# Two scanners may run the same rule one after the other, never at once.
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('chatsec rule ' || %s))"
# A day of events is sorted in memory; compiling what runs for milliseconds costs more.
_FOR_THE_SCAN: Final = """
    SET LOCAL statement_timeout = '60s';
    SET LOCAL work_mem = '64MB';
    SET LOCAL jit = off
"""


def run_rules(*, now: datetime, rules: Iterable[RuleSpec] | None = None) -> list[Alert]:
    """Give every finding its alert; return those that are newly open.

    Run late or twice it comes to the same: each rule goes on from where it ended. What
    fails in one rule is on record and keeps no other from running.
    """
    chosen = list(effective_rules() if rules is None else rules)
    exempt = exemptions(now=now)
    # Weak signs come before what adds them up.
    chosen.sort(key=lambda spec: spec.kind == "risk")
    _learn_places(now=now)
    found: list[Alert] = []
    for spec in chosen:
        found += _run_safely(spec, exempt.get(spec.name, NOBODY), now=now)
    return found


def effective_rules() -> list[RuleSpec]:
    """Return the enabled rules, and the floor even where its rows are gone or loose."""
    rows = DetectionRule.objects.filter(is_enabled=True).order_by("name")
    specs = {row.name: row.spec for row in rows}
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


def _run_safely(spec: RuleSpec, exempt: Exempt, *, now: datetime) -> list[Alert]:
    try:
        return _run(spec, exempt, now=now)
    except Exception as error:  # noqa: BLE001 - a rule that fails must not stop others
        logger.warning("detection rule %s failed: %s", spec.name, type(error).__name__)
        _note_failure(spec, error, now=now)
        return []


def _run(spec: RuleSpec, exempt: Exempt, *, now: datetime) -> list[Alert]:
    began = time.perf_counter()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME, [spec.name])
            cursor.execute(_FOR_THE_SCAN)
        run, _ = RuleRun.objects.get_or_create(rule=spec.name)
        span = _span(run, now=now)
        own = replace(exempt, declared=declared_for(spec))
        found = _keep(spec, evaluate(spec, span, own), now=now)
        # A clock that went back does not make the next scan skip what it has not seen.
        run.scanned_until, run.failures, run.last_error = now, 0, ""
        run.took_ms = (time.perf_counter() - began) * 1000
        run.save()
    return found


def _keep(spec: RuleSpec, findings: list[Finding], *, now: datetime) -> list[Alert]:
    if spec.risk:
        risk.note_signs(spec, findings)
        return []
    return raise_alerts(spec, findings, now=now)


def _span(run: RuleRun, *, now: datetime) -> Span:
    """Return from where on findings are looked for: what may have come late included.

    Events are committed after the moment that they carry, and clocks differ.
    """
    if run.scanned_until is None:
        return Span(now - FIRST_SCAN, now)
    since = min(run.scanned_until, now) - SCAN_SLACK
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

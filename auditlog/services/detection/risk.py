"""Weak signs: kept, one a person and rule, for the rule that adds them up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone
from psycopg2.extras import execute_values
from uuid_utils.compat import uuid7

from auditlog.constants import RISK_WINDOW
from auditlog.habit_turns import take_turn_to_write
from auditlog.models import RiskSignal
from auditlog.rules import Finding, RuleSpec
from chatsec.core.crypto import subject_keys

# Fresh ones replace those that have faded; an episode that goes on keeps its start.
_NOTE: Final = """
    INSERT INTO auditlog_risksignal
        (id, actor_pseudonym, rule, weight, first_at, last_at)
    VALUES %s
    ON CONFLICT (actor_pseudonym, rule) DO UPDATE SET
        weight = excluded.weight,
        first_at = CASE WHEN excluded.first_at > auditlog_risksignal.last_at
            THEN excluded.first_at
            ELSE least(excluded.first_at, auditlog_risksignal.first_at) END,
        last_at = excluded.last_at
    WHERE excluded.last_at > auditlog_risksignal.last_at
"""
KEPT_FOR: Final = 7 * RISK_WINDOW


def note_signs(spec: RuleSpec, findings: Iterable[Finding]) -> None:
    """Keep the newest finding of each person with the rule's weight.

    Of who is erased none is kept. Call it in the transaction of the rule's scan.
    """
    newest: dict[UUID, Finding] = {}
    for finding in findings:
        person = finding.actor_pseudonym
        if person is None:
            continue
        if person not in newest or newest[person].last_at < finding.last_at:
            newest[person] = finding
    if not newest:
        return
    take_turn_to_write()
    living = subject_keys().subjects_of(newest)
    rows = [
        (uuid7(), person, spec.name, spec.risk, one.first_at, one.last_at)
        for person, one in sorted(newest.items())
        if person in living
    ]
    if rows:
        with connection.cursor() as cursor:
            execute_values(cursor.cursor, _NOTE, rows)


def forget_faded(*, now: datetime | None = None, after: timedelta = KEPT_FOR) -> int:
    """Delete signs that have counted for nothing for days; return how many."""
    before = (now or timezone.now()) - after
    return RiskSignal.objects.filter(last_at__lt=before).delete()[0]

"""What one rule finds in a span of time: one statement, nothing written."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.module_loading import import_string

from auditlog.models import RuleException
from auditlog.rules import FLOOR, Finding, RuleSpec, Span, statement_for
from auditlog.rules.statements import Exempt
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json

NOBODY: Final = Exempt()


def evaluate(spec: RuleSpec, span: Span, exempt: Exempt = NOBODY) -> list[Finding]:
    """Return the rule's episodes that end within the span."""
    statement = statement_for(spec, span, exempt)
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.bound)
        return [_finding(row) for row in cursor.fetchall()]


def exemptions(*, now: datetime) -> dict[str, Exempt]:
    """Return whom each rule leaves out now, by the rule's name: in one query."""
    found: dict[str, list[RuleException]] = defaultdict(list)
    rows = RuleException.objects.filter(created_at__lte=now, expires_at__gt=now)
    # The floor by its names in the code: a row that says otherwise changes nothing.
    rows = rows.filter(~Q(rule__name__in=[*FLOOR]) | Q(approved_at__lte=now))
    for row in rows.select_related("rule"):
        found[row.rule.name].append(row)
    return {name: _exempt(rows) for name, rows in found.items()}


def declared_for(spec: RuleSpec) -> Mapping[UUID, int]:
    """Return the limits of accounts that have their own, by pseudonym."""
    if not spec.parameters.get("yields_to_declared"):
        return {}
    volumes: Mapping[UUID, int] = import_string(settings.CHATSEC_DECLARED_VOLUMES)()
    keys = subject_keys()
    return {keys.pseudonym(user_id): limit for user_id, limit in volumes.items()}


def _exempt(rows: list[RuleException]) -> Exempt:
    return Exempt(
        people=tuple(r.actor_pseudonym for r in rows if r.actor_pseudonym),
        kinds=tuple(r.actor_kind for r in rows if r.actor_kind),
        networks=tuple(bytes(r.network_hash) for r in rows if r.network_hash),
    )


def _finding(
    row: tuple[UUID | memoryview | int, datetime, datetime, int, str],
) -> Finding:
    key, first_at, last_at, count, facts = row
    read: dict[str, Json] = json.loads(facts)
    return Finding(
        actor_pseudonym=key if isinstance(key, UUID) else None,
        group_hash=bytes(key) if isinstance(key, memoryview) else None,
        first_at=first_at,
        last_at=last_at,
        count=int(count),
        facts=read,
    )

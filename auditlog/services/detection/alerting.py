"""Alerts: one row per episode, however often and however late it is found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from auditlog import events
from auditlog.constants import RISK_WINDOW
from auditlog.models import Alert
from auditlog.rules import FAILING, Finding, RuleSpec, Span
from auditlog.rules.statements import Exempt
from auditlog.services import incidents
from auditlog.services.detection.evaluation import evaluate
from auditlog.services.recording import Target, record
from chatsec.core.context import SYSTEM
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json

Key = tuple[UUID | None, bytes | None]


def raise_alerts(
    spec: RuleSpec, findings: Iterable[Finding], *, now: datetime
) -> list[Alert]:
    """Open, grow or reopen the alert of each finding; return what is newly open."""
    findings = sorted(findings, key=lambda finding: finding.first_at)
    if findings:
        incidents.take_turn()  # what is read of alerts from here on stays true
    known = _known(spec, findings)
    opened: list[Alert] = []
    for finding in findings:
        before = known.get(finding.key)
        if before is None or before.last_at < finding.first_at - _apart(spec):
            alert = known[finding.key] = _opened(spec, finding, now=now)
            opened.append(_announced(alert, spec))
        elif finding.last_at > before.last_at:
            opened += _continued(before, spec, finding)
    return opened


def alert_for_failing(spec: RuleSpec, *, now: datetime) -> None:
    """Open the alert about a rule that cannot run."""
    facts: dict[str, Json] = {"rule": spec.name}
    finding = Finding(None, None, now, now, 1, facts)
    alert = _opened(FAILING, finding, now=now)
    _announced(alert, FAILING)


def _apart(spec: RuleSpec) -> timedelta:
    """Return how long after its end an episode of a rule is still the same."""
    return RISK_WINDOW if spec.kind == "risk" else spec.window


def _known(spec: RuleSpec, findings: list[Finding]) -> dict[Key, Alert]:
    """Return the last alert of each of those found, in one query."""
    if not findings:
        return {}
    since = findings[0].first_at - _apart(spec)
    rows = Alert.objects.filter(rule=spec.name, last_at__gte=since).order_by("last_at")
    return {_key(alert): alert for alert in rows}


def _key(alert: Alert) -> Key:
    group = alert.group_hash
    return alert.actor_pseudonym, bytes(group) if group is not None else None


def _opened(spec: RuleSpec, finding: Finding, *, now: datetime) -> Alert:
    person, group = finding.key
    whose = person or (group.hex() if group else "")
    # Rules that fail are told apart by their name, which is among the facts.
    about = finding.facts.get("rule", "")
    key = f"{spec.name}|{whose}|{finding.first_at.isoformat()}|{about}"
    return Alert.objects.create(
        rule=spec.name,
        fingerprint=sha256(key.encode()).hexdigest(),
        actor_pseudonym=person,
        group_hash=group,
        severity=spec.severity,
        title=spec.title,
        facts=dict(finding.facts),
        first_at=finding.first_at,
        last_at=finding.last_at,
        count=finding.count,
        created_at=now,
    )


def _continued(known: Alert, spec: RuleSpec, finding: Finding) -> list[Alert]:
    """Grow the alert of an episode that goes on; reopen it if it was resolved."""
    reopens = known.state == "resolved"
    known.count = _count(spec, known, finding)
    known.last_at = finding.last_at
    known.facts = {**known.facts, **finding.facts}
    known.severity, known.title = spec.severity, spec.title
    known.state = "open" if reopens else known.state
    known.save(
        update_fields=["last_at", "count", "facts", "severity", "title", "state"]
    )
    if reopens:
        return [_announced(known, spec)]
    incidents.alert_grew(known)
    return []


def _count(spec: RuleSpec, known: Alert, finding: Finding) -> int:
    """Return how many there were since the alert's start, which may lie before."""
    if finding.first_at <= known.first_at or spec.kind in ("risk", "drift"):
        return max(known.count, finding.count)
    whose = finding.actor_pseudonym or finding.group_hash
    own = Exempt(among=None if whose is None else (whose,))
    whole = evaluate(spec, Span(known.first_at, finding.last_at), own)
    counts = [one.count for one in whole if one.key == finding.key]
    return max([known.count, finding.count, *counts])


def _announced(alert: Alert, spec: RuleSpec) -> Alert:
    person = alert.actor_pseudonym
    record(
        events.SECURITY_ALERT,
        actor=SYSTEM,
        outcome="failure",
        target=Target("auditlog.Alert", alert.id),
        subject_id=subject_keys().subject_of(person) if person else None,
        details={
            "alert_type": spec.name,
            "failure_count": alert.count,
            "time_window_minutes": spec.minutes,
            "action_taken": "alert_opened",
        },
    )
    incidents.take_alert(alert)
    return alert

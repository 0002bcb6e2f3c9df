"""Rules are made, changed and deleted: each change checked, numbered and on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from auditlog import events
from auditlog.constants import RULE_RESOURCE, RuleGroup, RuleKind, Severity
from auditlog.errors import RuleExists, RuleOutdated, RuleRefused
from auditlog.models import DetectionRule, RuleRun
from auditlog.registry import EventType
from auditlog.rules import OWN, RuleSpec, find_loosened, find_problems
from auditlog.services.recording import Target, record
from chatsec.core.errors import Json, NotFound

MAX_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """Everything that administrators decide about a rule, but its name."""

    title: str
    suspicion: str
    kind: RuleKind
    parameters: Mapping[str, Json]
    window_seconds: int
    group: RuleGroup
    severity: Severity
    runbook: str
    risk: int = 0
    is_enabled: bool = True

    def spec(self, name: str) -> RuleSpec:
        """Return the rule as it would be evaluated."""
        return RuleSpec(
            name=name,
            kind=self.kind,
            parameters=self.parameters,
            window=timedelta(seconds=self.window_seconds),
            group=self.group,
            severity=self.severity,
            title=self.title,
            suspicion=self.suspicion,
            runbook=self.runbook,
            risk=self.risk,
        )


COLUMNS: Final = tuple(field.name for field in fields(RuleTerms))


def check_terms(name: str, terms: RuleTerms) -> None:
    """Return only if a rule of that name may be so; raise RuleRefused by field."""
    spec = terms.spec(name)
    found = {**find_problems(spec), **find_loosened(spec)}
    if name in OWN:
        found["name"] = ["Alerts that no rule raises are called so."]
    if found:
        raise RuleRefused(fields=found)


@transaction.atomic
def create_rule(name: str, terms: RuleTerms, *, reason: str) -> DetectionRule:
    """Return the new rule, in force from the next scan on."""
    _check_reason(reason)
    check_terms(name, terms)
    values = {column: getattr(terms, column) for column in COLUMNS}
    try:
        with transaction.atomic():
            rule = DetectionRule.objects.create(name=name, **values)
    except IntegrityError as error:
        raise RuleExists from error
    _record(events.RULE_CREATED, rule, reason=reason, terms=_shown(rule))
    return rule


@transaction.atomic
def change_rule(
    rule_id: UUID, terms: RuleTerms, *, version: int, reason: str
) -> DetectionRule:
    """Return the rule on the new terms; nothing happens where nothing differs.

    Raises RuleOutdated where `version`, which the caller saw, is not the last any more.
    """
    rule = _locked(rule_id, version=version)
    _check_reason(reason)
    if rule.is_floor and not terms.is_enabled:
        raise RuleRefused(fields={"is_enabled": ["A floor rule is always on."]})
    check_terms(rule.name, terms)
    before, was_enabled = _shown(rule), rule.is_enabled
    for column in COLUMNS:
        setattr(rule, column, getattr(terms, column))
    after = _shown(rule)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return rule
    rule.version += 1
    rule.updated_at = timezone.now()
    rule.save()
    is_off = was_enabled and not rule.is_enabled
    event = events.RULE_DISABLED if is_off else events.RULE_CHANGED
    _record(
        event,
        rule,
        reason=reason,
        terms={name: after[name] for name in changed},
        before={name: before[name] for name in changed},
    )
    return rule


@transaction.atomic
def delete_rule(rule_id: UUID, *, version: int, reason: str) -> None:
    """Delete the rule with its exceptions; its alerts stay. Never one of the floor.

    Raises RuleOutdated as a change does.
    """
    rule = _locked(rule_id, version=version)
    if rule.is_floor:
        raise RuleRefused("A floor rule cannot be deleted.")
    _check_reason(reason)
    _record(
        events.RULE_DELETED,
        rule,
        reason=reason,
        before=_shown(rule),
        exceptions=rule.exceptions.count(),
    )
    RuleRun.objects.filter(rule=rule.name).delete()
    rule.delete()


def _locked(rule_id: UUID, *, version: int) -> DetectionRule:
    """Return the rule, held, as the caller saw it: nobody overwrites the unseen."""
    rule = DetectionRule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("There is no such rule.")
    if rule.version != version:
        raise RuleOutdated(
            f"Somebody else changed the rule: it is at version {rule.version}, and"
            f" you saw version {version}. Nothing was done: open the page anew."
        )
    return rule


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleRefused(fields={"reason": ["Say why."]})


def _shown(rule: DetectionRule) -> dict[str, Json]:
    return {column: getattr(rule, column) for column in COLUMNS}


def _record(
    event: EventType, rule: DetectionRule, *, reason: str, **said: Json
) -> None:
    """Leave what was decided (`terms`), what held `before`, and why."""
    record(
        event,
        target=Target(RULE_RESOURCE, rule.id, label=rule.name),
        details={
            "rule": rule.name,
            "version": rule.version,
            "reason": reason.strip()[:MAX_REASON],
            **said,
        },
    )

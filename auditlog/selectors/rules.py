"""Detection rules with how their scans went and what is exempt from them."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone

from auditlog.models import DetectionRule, RuleException, RuleRun
from auditlog.selectors.people import names_of
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound


class ReadRule(NamedTuple):
    """A rule, its last run, and how many exceptions count now."""

    rule: DetectionRule
    run: RuleRun | None
    exceptions: int


class ReadException(NamedTuple):
    """An exception with the name behind its pseudonym."""

    exception: RuleException
    whom: str
    is_over: bool


def read_rules() -> list[ReadRule]:
    """Return every rule, the floor first, in two queries."""
    counts_now = Q(exceptions__expires_at__gt=timezone.now())
    rules = DetectionRule.objects.annotate(live=Count("exceptions", filter=counts_now))
    runs = {run.rule: run for run in RuleRun.objects.all()}
    return [
        ReadRule(rule, runs.get(rule.name), rule.live)
        for rule in rules.order_by("-is_floor", "-is_enabled", "name")
    ]


def get_rule(rule_id: UUID) -> DetectionRule:
    """Return the rule or raise NotFound."""
    rule = DetectionRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("There is no such rule.")
    return rule


def read_exceptions(rule: DetectionRule) -> list[ReadException]:
    """Return the rule's exceptions with names, the newest first."""
    rows = list(rule.exceptions.order_by("-created_at"))
    people = {row.actor_pseudonym for row in rows if row.actor_pseudonym}
    names = names_of(subject_keys().subjects_of(people)) if people else {}
    now = timezone.now()
    return [
        ReadException(row, _whom(row, names), row.expires_at <= now) for row in rows
    ]


def _whom(row: RuleException, names: dict[UUID, str]) -> str:
    if row.actor_pseudonym is not None:
        return names.get(row.actor_pseudonym, str(row.actor_pseudonym))
    if row.network_hash is not None:
        return f"network {bytes(row.network_hash).hex()}"
    return f"every {row.actor_kind} account"

"""Detection rules with how their scans went and what is exempt from them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone

from auditlog.models import Alert, DetectionRule, RuleException, RuleRun
from auditlog.notes import open_reason
from auditlog.rules import FLOOR
from auditlog.selectors.people import names_of
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound

JUDGED_FOR: Final = timedelta(days=90)


class Judged(NamedTuple):
    """What became of a rule's alerts lately: an incident's verdict counts once."""

    alerts: int = 0
    true_positives: int = 0
    resolved: int = 0


class ReadRule(NamedTuple):
    """A rule, its last run, and how many exceptions count now."""

    rule: DetectionRule
    run: RuleRun | None
    exceptions: int
    waiting: int
    judged: Judged = Judged()


class ReadException(NamedTuple):
    """An exception with the name behind its pseudonym."""

    exception: RuleException
    whom: str
    # None where whom it is about was erased.
    reason: str | None
    is_over: bool
    is_waiting: bool
    may_approve: bool


def read_rules() -> list[ReadRule]:
    """Return every rule, the floor first, in three queries."""
    runs_now = Q(exceptions__expires_at__gt=timezone.now())
    waits = runs_now & Q(name__in=[*FLOOR], exceptions__approved_at=None)
    rules = DetectionRule.objects.annotate(
        live=Count("exceptions", filter=runs_now),
        waiting=Count("exceptions", filter=waits),
    )
    runs = {run.rule: run for run in RuleRun.objects.all()}
    judged = _judged(since=timezone.now() - JUDGED_FOR)
    return [
        ReadRule(
            rule,
            runs.get(rule.name),
            rule.live - rule.waiting,
            waiting=rule.waiting,
            judged=judged.get(rule.name, Judged()),
        )
        for rule in rules.order_by("-is_floor", "-is_enabled", "name")
    ]


def _judged(*, since: datetime) -> dict[str, Judged]:
    """Return by rule how many alerts it opened, and the verdicts on their incidents."""
    resolved = Q(incident__state="resolved")
    is_true = resolved & Q(incident__verdict="true_positive")
    rows = (
        Alert.objects.filter(created_at__gte=since)
        .order_by()
        .values("rule")
        .annotate(
            alerts=Count("pk"),
            true_positives=Count("incident", filter=is_true, distinct=True),
            resolved=Count("incident", filter=resolved, distinct=True),
        )
        .values_list("rule", "alerts", "true_positives", "resolved")
    )
    return {rule: Judged(*numbers) for rule, *numbers in rows}


def get_rule(rule_id: UUID) -> DetectionRule:
    """Return the rule or raise NotFound."""
    rule = find_rule(rule_id)
    if rule is None:
        raise NotFound("There is no such rule.")
    return rule


def find_rule(rule_id: UUID) -> DetectionRule | None:
    """Return the rule, or None where it was deleted or never was."""
    return DetectionRule.objects.filter(pk=rule_id).first()


def rule_id_of(name_or_id: str) -> UUID:
    """Return which rule is called so; raise NotFound.

    An id that is no rule's is taken as it is: evidence outlives its rules. It goes
    before a name, or a rule that is called like an id would hide what that one was.
    """
    try:
        return UUID(name_or_id)
    except ValueError:
        pass
    found = DetectionRule.objects.filter(name=name_or_id).values_list("pk").first()
    if found is None:
        raise NotFound("There is no such rule.")
    return found[0]


def read_exceptions(
    rule: DetectionRule, *, reader_id: UUID | None
) -> list[ReadException]:
    """Return the rule's exceptions with names, the newest first.

    `may_approve` says whether the reader could be the second person.
    """
    rows = list(rule.exceptions.order_by("-created_at"))
    people = {row.actor_pseudonym for row in rows if row.actor_pseudonym}
    owners = subject_keys().subjects_of(people) if people else {}
    names = names_of(owners)
    subject_keys().warm(owners.values())
    now = timezone.now()
    reader = subject_keys().pseudonym(reader_id) if reader_id else None
    found = []
    for row in rows:
        is_over = row.expires_at <= now
        waits = rule.name in FLOOR and row.approved_at is None and not is_over
        is_other = reader not in (None, row.created_by, row.actor_pseudonym)
        owner = owners.get(row.actor_pseudonym) if row.actor_pseudonym else None
        found.append(
            ReadException(
                row,
                _whom(row, names),
                open_reason(row, owner=owner),
                is_over=is_over,
                is_waiting=waits,
                may_approve=waits and is_other,
            )
        )
    return found


def rule_of_exception(exception_id: UUID) -> UUID:
    """Return whose rule's exception it is, or raise NotFound."""
    found = RuleException.objects.filter(pk=exception_id).values_list("rule_id").first()
    if found is None:
        raise NotFound("There is no such exception.")
    return found[0]


def _whom(row: RuleException, names: dict[UUID, str]) -> str:
    if row.actor_pseudonym is not None:
        return names.get(row.actor_pseudonym, str(row.actor_pseudonym))
    if row.network_hash is not None:
        return f"network {bytes(row.network_hash).hex()}"
    return f"every {row.actor_kind} account"

"""Separation of duties: two roles that nobody has at once."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Invalid, Json, NotFound
from rbac import selectors
from rbac.events import SOD_RULE_CREATED, SOD_RULE_DELETED
from rbac.models import Assignment, Role, SodRule
from rbac.services import delegation
from rbac.services.delegation import heirs_by_parent, heirs_of
from rbac.services.governance import (
    cleaned_reason,
    hold_policy_lock,
    refuse_unless_administrator,
)


class Violation(NamedTuple):
    """A person who has both roles of a rule at the same time, now or later."""

    rule_id: UUID
    user_id: UUID


def create_sod_rule(actor: Actor, *, role_a: str, role_b: str, reason: str) -> SodRule:
    """Keep the roles apart from now on; who has both already is listed, not changed."""
    refuse_unless_administrator(actor)
    reason = cleaned_reason(reason)
    with transaction.atomic():
        hold_policy_lock()
        return insert_sod_rule(actor, role_a=role_a, role_b=role_b, reason=reason)


def insert_sod_rule(actor: Actor, *, role_a: str, role_b: str, reason: str) -> SodRule:
    """Store the rule with its evidence; call under the lock."""
    roles = {role.name: role for role in Role.objects.filter(name__in=[role_a, role_b])}
    for name in (role_a, role_b):
        if name not in roles:
            raise NotFound(f"There is no role {name!r}.")
    if role_a == role_b:
        raise Invalid(
            "Two roles are needed.", fields={"role_b": ["Name another role."]}
        )
    try:
        with transaction.atomic():
            rule = SodRule.objects.create(
                role_a=roles[role_a], role_b=roles[role_b], reason=reason
            )
    except IntegrityError as error:
        raise Conflict("There is such a rule.", code="sod_rule_exists") from error
    record(
        SOD_RULE_CREATED,
        actor=actor,
        target=Target("sod_rule", rule.id, str(rule)),
        details={"before": None, "after": evidence_of(rule)},
    )
    return rule


def delete_sod_rule(actor: Actor, *, rule: SodRule) -> None:
    """Let people have both roles again; whoever does it holds both."""
    refuse_unless_administrator(actor)
    with transaction.atomic():
        hold_policy_lock()
        selectors.release_stamp(actor.person)
        found = SodRule.objects.select_related("role_a", "role_b").filter(pk=rule.pk)
        stored = found.first()
        if stored is None:
            raise NotFound("There is no such rule.")
        if not delegation.is_unbounded(actor):
            policy, held = selectors.current_snapshot(), delegation.grants_held(actor)
            for role in (stored.role_a, stored.role_b):
                wanted = delegation.grants_of(policy.roles[role.name])
                delegation.refuse_beyond(held, wanted)
        remove_sod_rule(actor, rule=stored)


def remove_sod_rule(actor: Actor, *, rule: SodRule) -> None:
    """Delete the rule with its evidence; call under the lock."""
    record(
        SOD_RULE_DELETED,
        actor=actor,
        target=Target("sod_rule", rule.id, str(rule)),
        details={"before": evidence_of(rule), "after": None},
    )
    rule.delete()


def evidence_of(rule: SodRule) -> dict[str, Json]:
    """Return the rule as events tell it."""
    return {
        "roles": [rule.role_a.name, rule.role_b.name],
        "reason": rule.reason,
    }


def find_violations(*, person_id: UUID | None = None) -> frozenset[Violation]:
    """Return who breaks which rule, of everybody or of one person."""
    found: set[Violation] = set()
    rules = list(SodRule.objects.select_related("role_a", "role_b"))
    if not rules:
        return frozenset()
    by_parent = heirs_by_parent(selectors.current_snapshot())
    named = {role.name for rule in rules for role in (rule.role_a, rule.role_b)}
    heirs = {name: [*heirs_of(by_parent, [name])] for name in named}
    for rule in rules:
        rows = _offending(heirs[rule.role_a.name], heirs[rule.role_b.name])
        if person_id is not None:
            rows = rows.filter(user_id=person_id)
        people = rows.values_list("user_id", flat=True).distinct()
        found.update(Violation(rule.id, user_id) for user_id in people)
    return frozenset(found)


def refuse_new_violations(
    before: frozenset[Violation], *, person_id: UUID | None = None
) -> None:
    """Raise Conflict if the change brought two roles together; call under the lock."""
    new = find_violations(person_id=person_id) - before
    if not new:
        return
    ids = sorted({violation.rule_id for violation in new})
    rules = SodRule.objects.select_related("role_a", "role_b").filter(pk__in=ids)
    raise Conflict(
        "Nobody may have these roles at once: "
        + "; ".join(
            f"{rule.role_a.name} and {rule.role_b.name} ({rule.reason})"
            for rule in rules
        ),
        code="sod_conflict",
        rules=[evidence_of(rule) for rule in rules],
    )


def _offending(one: list[str], other: list[str]) -> QuerySet[Assignment, Assignment]:
    """Return live assignments of `one` beside one of `other` in time."""
    live = Q(valid_until__isnull=True) | Q(valid_until__gt=timezone.now())
    beside = Assignment.objects.filter(
        live,
        Q(valid_until__isnull=True) | Q(valid_until__gt=OuterRef("valid_from")),
        user_id=OuterRef("user_id"),
        role__name__in=other,
        revoked_at__isnull=True,
    )
    ends_later = Q(valid_until__isnull=True) | Q(
        Exists(beside.filter(valid_from__lt=OuterRef("valid_until")))
    )
    rows = Assignment.objects.filter(live, role__name__in=one, revoked_at__isnull=True)
    return rows.filter(Exists(beside)).filter(ends_later).order_by()

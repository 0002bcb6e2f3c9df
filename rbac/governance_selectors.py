"""Reads of requests, emergencies and separated duties."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from rbac.constants import PUBLIC_ROLE
from rbac.models import (
    AccessRequest,
    Assignment,
    BreakGlassActivation,
    BreakGlassEligibility,
    Role,
    SodRule,
)


class SodViolation(NamedTuple):
    """Somebody who had both roles before they were kept apart."""

    username: str
    rule: SodRule


def list_access_requests() -> QuerySet[AccessRequest, AccessRequest]:
    """Return all requests with people and roles."""
    return AccessRequest.objects.select_related(
        "requester", "role", "decided_by", "assignment"
    )


def list_activations() -> QuerySet[BreakGlassActivation, BreakGlassActivation]:
    """Return all emergencies, ended ones too, with people and roles."""
    return BreakGlassActivation.objects.select_related("user", "role")


def list_active_emergencies(
    *, now: datetime
) -> QuerySet[BreakGlassActivation, BreakGlassActivation]:
    """Return the emergencies that last at the moment."""
    return list_activations().filter(
        ended_at__isnull=True, started_at__lte=now, ends_at__gt=now
    )


def list_roles_of(
    person_id: UUID, *, now: datetime
) -> QuerySet[Assignment, Assignment]:
    """Return the person's assignments that count now or will, with their roles."""
    return (
        Assignment.objects.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gt=now),
            user_id=person_id,
            revoked_at__isnull=True,
        )
        .select_related("role")
        .order_by("valid_from", "role__name")
    )


def list_requestable_roles(person_id: UUID, *, now: datetime) -> QuerySet[Role, Role]:
    """Return the roles that the person can ask for: what he has not, nor for crises."""
    held = list_roles_of(person_id, now=now).order_by().values("role_id")
    return Role.objects.exclude(name=PUBLIC_ROLE).exclude(
        Q(is_break_glass=True) | Q(pk__in=held)
    )


def list_eligible_roles(person_id: UUID, *, now: datetime) -> QuerySet[Role, Role]:
    """Return the emergency roles that the person may activate."""
    eligible = BreakGlassEligibility.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=now),
        user_id=person_id,
        revoked_at__isnull=True,
    )
    return Role.objects.filter(is_break_glass=True, pk__in=eligible.values("role_id"))


def list_violations(
    found: Iterable[tuple[UUID, UUID]],
) -> list[SodViolation]:
    """Return (rule, person) pairs with names, in order."""
    pairs = list(found)
    rules = {
        rule.pk: rule
        for rule in SodRule.objects.select_related("role_a", "role_b").filter(
            pk__in=[rule_id for rule_id, _ in pairs]
        )
    }
    people = get_user_model().objects.filter(pk__in=[person for _, person in pairs])
    names = dict(people.values_list("pk", "username"))
    return sorted(
        (SodViolation(names[person], rules[rule_id]) for rule_id, person in pairs),
        key=lambda each: (str(each.rule), each.username),
    )

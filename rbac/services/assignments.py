"""Giving and taking roles. History stays; each change leaves an event."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Invalid, Json, NotFound
from rbac import selectors
from rbac.constants import PUBLIC_ROLE
from rbac.events import ROLE_ASSIGNED, ROLE_REVOKED
from rbac.models import Assignment, Role
from rbac.policy import Grant
from rbac.services.governance import (
    cleaned_reason,
    hold_policy_lock,
    refuse_last_administrator,
    refuse_more_than_held,
    refuse_unless_administrator,
)

if TYPE_CHECKING:
    from accounts.models import User


def assign_role(  # noqa: PLR0913 - one assignment is these columns
    actor: Actor,
    *,
    user: User,
    role: Role | str,
    reason: str,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> Assignment:
    """Give the role, from now or `valid_from` until revoked or `valid_until`."""
    refuse_unless_administrator(actor)
    reason = cleaned_reason(reason)
    start = valid_from or timezone.now()
    _refuse_period(start, valid_until)
    with transaction.atomic():
        found = _assignable(role)
        refuse_more_than_held(actor, _grants_of(found))
        before = _roles_held(user)
        _refuse_overlap(user, found, start, valid_until)
        assignment = Assignment.objects.create(
            user=user,
            role=found,
            valid_from=start,
            valid_until=valid_until,
            reason=reason,
            granted_by_id=actor.id,
        )
        record(
            ROLE_ASSIGNED,
            actor=actor,
            target=Target("role", found.id, found.name),
            subject_id=user.id,
            details={
                "role": found.name,
                "valid_from": start.isoformat(),
                "valid_until": valid_until.isoformat() if valid_until else None,
                "before": before,
                "after": _roles_held(user),
            },
            subject_details={"username": user.username, "reason": reason},
        )
    selectors.release_stamp(actor.person)
    return assignment


def revoke_assignment(
    actor: Actor, *, assignment: Assignment, reason: str
) -> Assignment:
    """End the assignment now; the row stays as history."""
    refuse_unless_administrator(actor)
    reason = cleaned_reason(reason)
    with transaction.atomic():
        hold_policy_lock()
        found = (
            Assignment.objects.select_for_update(of=("self",), no_key=True)
            .select_related("user", "role")
            .filter(pk=assignment.pk)
            .first()
        )
        if found is None:
            raise NotFound("There is no such assignment.")
        if found.revoked_at is not None:
            raise Conflict("It was revoked already.", code="already_revoked")
        refuse_more_than_held(actor, _grants_of(found.role))
        refuse_last_administrator(found)
        before = _roles_held(found.user)
        found.revoked_at = timezone.now()
        found.revoked_by_id = actor.id
        found.revoke_reason = reason
        found.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
        record(
            ROLE_REVOKED,
            actor=actor,
            target=Target("role", found.role.id, found.role.name),
            subject_id=found.user.id,
            details={
                "role": found.role.name,
                "before": before,
                "after": _roles_held(found.user),
            },
            subject_details={"username": found.user.username, "reason": reason},
        )
    selectors.release_stamp(actor.person)
    return found


def _assignable(role: Role | str) -> Role:
    name = role if isinstance(role, str) else role.name
    if name == PUBLIC_ROLE:
        raise Invalid(
            "Everybody has this role.",
            fields={"role": ["Everybody has this role; it is not assigned."]},
        )
    # Locked: what is given stays as it was checked and does not go meanwhile, and two
    # writers cannot both find that the person has no such assignment.
    rows = Role.objects.select_for_update(no_key=True)
    found = rows.filter(name=name).first() if "\x00" not in name else None
    if found is None:
        raise NotFound("There is no such role.")
    return found


def _grants_of(role: Role) -> list[Grant]:
    compiled = selectors.current_snapshot().roles[role.name]
    return [item.grant for item in compiled.held]


def _refuse_period(start: datetime, end: datetime | None) -> None:
    if end is not None and end <= max(start, timezone.now()):
        raise Invalid(
            "The assignment would never count.",
            fields={"valid_until": ["This is not after its start, or already past."]},
        )


def _refuse_overlap(
    user: User, role: Role, start: datetime, end: datetime | None
) -> None:
    overlapping = Assignment.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=start),
        user=user,
        role=role,
        revoked_at__isnull=True,
    )
    if end is not None:
        overlapping = overlapping.filter(valid_from__lt=end)
    if overlapping.exists():
        raise Conflict("The role is assigned already.", code="already_assigned")


def _roles_held(user: User) -> list[Json]:
    now = timezone.now()
    live = selectors.list_live_assignments(user.pk, now=now)
    return [*sorted(live.values_list("role__name", flat=True))]

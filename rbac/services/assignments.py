"""Giving and taking roles. History stays; each change leaves an event."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Denied, Invalid, Json, NotFound
from rbac import selectors
from rbac.constants import PUBLIC_ROLE
from rbac.events import ROLE_ASSIGNED, ROLE_REVOKED
from rbac.models import Assignment, Role
from rbac.services import delegation
from rbac.services.changes import policy_change
from rbac.services.governance import cleaned_reason

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
    """Give the role, from now or `valid_from` until revoked or `valid_until`.

    Nobody gives himself anything, nor others more, or for longer, than he holds.
    """
    reason = cleaned_reason(reason)
    start = valid_from or timezone.now()
    refuse_period(start, valid_until)
    with policy_change(actor, person_id=user.pk):
        if actor.id is not None and actor.id == user.pk:
            raise Denied("Somebody else must give you a role.", code="own_assignment")
        found = assignable_role(role)
        if found.is_break_glass:
            raise Conflict(
                "This role is only activated in an emergency.", code="break_glass_role"
            )
        refuse_role_beyond(actor, found, until=valid_until)
        return insert_assignment(
            actor, user=user, role=found, reason=reason, period=(start, valid_until)
        )


def revoke_assignment(
    actor: Actor, *, assignment: Assignment, reason: str
) -> Assignment:
    """End the assignment now; the row stays as history."""
    reason = cleaned_reason(reason)
    with policy_change(actor, person_id=assignment.user_id):
        found = locked_assignment(assignment.pk)
        refuse_taking(actor, found)
        end_assignment(actor, assignment=found, reason=reason)
    return found


def insert_assignment(
    actor: Actor,
    *,
    user: User,
    role: Role,
    reason: str,
    period: tuple[datetime, datetime | None],
) -> Assignment:
    """Store the assignment with its evidence; call in a change of policy."""
    start, end = period
    before = _roles_held(user)
    _refuse_overlap(user, role, start, end)
    assignment = Assignment.objects.create(
        user=user,
        role=role,
        valid_from=start,
        valid_until=end,
        reason=reason,
        granted_by_id=actor.id,
    )
    record(
        ROLE_ASSIGNED,
        actor=actor,
        target=Target("role", role.id, role.name),
        subject_id=user.id,
        details={
            "role": role.name,
            "valid_from": start.isoformat(),
            "valid_until": end.isoformat() if end else None,
            "before": before,
            "after": _roles_held(user),
        },
        subject_details={"username": user.username, "reason": reason},
    )
    return assignment


def locked_assignment(pk: UUID) -> Assignment:
    """Return the assignment, locked and not yet revoked; call in a transaction."""
    rows = Assignment.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("user", "role").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such assignment.")
    if found.revoked_at is not None:
        raise Conflict("It was revoked already.", code="already_revoked")
    return found


def end_assignment(actor: Actor, *, assignment: Assignment, reason: str) -> None:
    """Stamp the locked assignment as revoked, with its evidence."""
    before = _roles_held(assignment.user)
    assignment.revoked_at = timezone.now()
    assignment.revoked_by_id = actor.id
    assignment.revoke_reason = reason
    assignment.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
    record(
        ROLE_REVOKED,
        actor=actor,
        target=Target("role", assignment.role.id, assignment.role.name),
        subject_id=assignment.user.id,
        details={
            "role": assignment.role.name,
            "before": before,
            "after": _roles_held(assignment.user),
        },
        subject_details={"username": assignment.user.username, "reason": reason},
    )


def refuse_role_beyond(actor: Actor, role: Role, *, until: datetime | None) -> None:
    """Let nobody give a role that is more, or lasts longer, than what he holds."""
    if not delegation.is_unbounded(actor):
        held = delegation.grants_held_until(actor, until)
        delegation.refuse_beyond(held, _grants_of(role))


def refuse_taking(actor: Actor, taken: Assignment) -> None:
    """Let nobody take a role above him, nor lift denials that bind himself."""
    if delegation.is_unbounded(actor):
        return
    grants, held = _grants_of(taken.role), delegation.grants_held(actor)
    delegation.refuse_beyond(held, grants)
    freed = delegation.lifted(grants, ())
    if freed and actor.id == taken.user_id:
        raise Denied("Somebody else must take this role.", code="own_assignment")
    delegation.refuse_beyond(held, freed)


def assignable_role(role: Role | str) -> Role:
    """Return the stored role, locked; call in a transaction."""
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


def _grants_of(role: Role) -> delegation.Grants:
    return delegation.grants_of(selectors.current_snapshot().roles[role.name])


def refuse_period(start: datetime, end: datetime | None) -> None:
    """Refuse an end before the start, or already past."""
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

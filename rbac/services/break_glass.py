"""Emergency roles: who is eligible takes one himself, briefly and loudly."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core.context import Actor, ActorKind
from chatsec.core.errors import Conflict, Denied, Invalid, NotFound, StepUpRequired
from rbac.constants import MANAGE_ROLES
from rbac.events import (
    BREAK_GLASS_ACTIVATED,
    BREAK_GLASS_ENDED,
    ELIGIBILITY_CHANGED,
)
from rbac.models import BreakGlassActivation, BreakGlassEligibility, Role
from rbac.services.assignments import (
    assignable_role,
    end_assignment,
    insert_assignment,
    refuse_period,
    refuse_role_beyond,
)
from rbac.services.changes import compared_change, policy_change
from rbac.services.deciding import STEP_UP_LASTS, check_permission
from rbac.services.governance import cleaned_reason, refuse_unless_administrator

if TYPE_CHECKING:
    from accounts.models import User

LASTS = timedelta(minutes=60)


def make_eligible(
    actor: Actor,
    *,
    user: User,
    role: Role | str,
    reason: str,
    valid_until: datetime | None = None,
) -> BreakGlassEligibility:
    """Let the person activate the role in emergencies; he gains nothing yet."""
    reason = cleaned_reason(reason)
    refuse_period(timezone.now(), valid_until)
    with policy_change(actor, person_id=user.pk):
        if actor.id is not None and actor.id == user.pk:
            raise Denied("Somebody else must do this.", code="own_assignment")
        found = assignable_role(role)
        if not found.is_break_glass:
            raise Conflict("This is no break-glass role.", code="not_break_glass")
        refuse_role_beyond(actor, found, until=valid_until)
        # One row is live for a person and role: an ended one makes room.
        rows = BreakGlassEligibility.objects.filter(user=user, role=found)
        now = timezone.now()
        rows.filter(revoked_at__isnull=True, valid_until__lte=now).update(
            revoked_at=now
        )
        try:
            with transaction.atomic():
                made = BreakGlassEligibility.objects.create(
                    user=user,
                    role=found,
                    reason=reason,
                    valid_until=valid_until,
                    granted_by_id=actor.id,
                )
        except IntegrityError as error:
            raise Conflict("He is eligible.", code="already_eligible") from error
        _record_eligibility(actor, made, before="none", after="eligible")
    return made


def end_eligibility(
    actor: Actor, *, eligibility: BreakGlassEligibility
) -> BreakGlassEligibility:
    """Let the person activate the role no more; an emergency under way goes on."""
    refuse_unless_administrator(actor)
    with policy_change(actor, person_id=eligibility.user_id):
        rows = BreakGlassEligibility.objects.select_for_update(of=("self",))
        found = rows.select_related("role", "user").filter(pk=eligibility.pk).first()
        if found is None:
            raise NotFound("There is no such eligibility.")
        if found.revoked_at is not None:
            raise Conflict("It has ended already.", code="already_revoked")
        refuse_role_beyond(actor, found.role, until=timezone.now())
        found.revoked_at = timezone.now()
        found.save(update_fields=["revoked_at"])
        _record_eligibility(actor, found, before="eligible", after="none")
    return found


def activate(
    actor: Actor, *, user: User, role: str, reason: str
) -> BreakGlassActivation:
    """Give the eligible person the role for 60 minutes; no event, no activation."""
    if actor.kind is not ActorKind.USER or actor.id != user.pk or not user.is_active:
        raise Denied("Only people do this, and for themselves.")
    reason = cleaned_reason(reason)
    # One answer, whatever is missing: emergency roles are not told to strangers.
    refuse_not_eligible(user, role)
    if not actor.stepped_up_within(STEP_UP_LASTS, now=timezone.now()):
        raise StepUpRequired("Show a second factor first.")
    with compared_change(actor, person_id=user.pk):
        refuse_not_eligible(user, role)
        found, now = assignable_role(role), timezone.now()
        _refuse_again(user, found, reason=reason, now=now)
        assignment = insert_assignment(
            actor, user=user, role=found, reason=reason, period=(now, now + LASTS)
        )
        made = BreakGlassActivation.objects.create(
            user=user,
            role=found,
            reason=reason,
            assignment=assignment,
            started_at=now,
            ends_at=now + LASTS,
        )
        record(
            BREAK_GLASS_ACTIVATED,
            actor=actor,
            target=Target("role", found.id, found.name),
            subject_id=user.pk,
            details={
                "role": found.name,
                "activation": str(made.id),
                "before": "inactive",
                "after": "active",
                "ends_at": made.ends_at.isoformat(),
            },
            subject_details={"username": user.username, "reason": reason},
        )
    return made


def end_activation(actor: Actor, *, activation_id: UUID) -> BreakGlassActivation:
    """End the emergency now: one's own, or anybody's for administrators."""
    with compared_change(actor):
        rows = BreakGlassActivation.objects.select_for_update(of=("self",))
        found = (
            rows.select_related("role", "user", "assignment__user", "assignment__role")
            .filter(pk=activation_id)
            .first()
        )
        if found is None or not _may_end(actor, found):
            raise NotFound("There is no such activation.")
        if not found.is_active_at(timezone.now()):
            raise Conflict("It has ended already.", code="already_ended")
        found.ended_at = timezone.now()
        found.save(update_fields=["ended_at"])
        if found.assignment.revoked_at is None:
            text = "The emergency is over."
            end_assignment(actor, assignment=found.assignment, reason=text)
        record(
            BREAK_GLASS_ENDED,
            actor=actor,
            target=Target("role", found.role.id, found.role.name),
            subject_id=found.user_id,
            details={
                "role": found.role.name,
                "activation": str(found.id),
                "before": "active",
                "after": "ended",
            },
            subject_details={"username": found.user.username},
        )
    return found


def refuse_not_eligible(user: User, role: str) -> None:
    """Raise NotFound unless the person may activate that role now."""
    rows = BreakGlassEligibility.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=timezone.now()),
        user=user,
        revoked_at__isnull=True,
        role__is_break_glass=True,
    )
    if "\x00" in role or not rows.filter(role__name=role).exists():
        raise NotFound("There is no such emergency role for you.")


def _refuse_again(user: User, role: Role, *, reason: str, now: datetime) -> None:
    """Let nobody go on and on: an hour at a time, and each with its own reason."""
    recent = BreakGlassActivation.objects.filter(
        user=user, role=role, ends_at__gt=now - LASTS
    )
    for earlier in recent:
        if earlier.is_active_at(now):
            raise Conflict("It is active already.", code="already_active")
        if _same_words(earlier.reason, reason):
            text = "The same reason does not count twice within the hour."
            raise Invalid(text, code="new_reason_needed", fields={"reason": [text]})


def _same_words(one: str, other: str) -> bool:
    def letters(text: str) -> str:
        return "".join(filter(str.isalnum, text)).casefold()

    return letters(one) == letters(other)


def _may_end(actor: Actor, activation: BreakGlassActivation) -> bool:
    if actor.kind is ActorKind.SYSTEM:
        return True
    return actor.id == activation.user_id or check_permission(actor, MANAGE_ROLES)


def _record_eligibility(
    actor: Actor, row: BreakGlassEligibility, *, before: str, after: str
) -> None:
    record(
        ELIGIBILITY_CHANGED,
        actor=actor,
        target=Target("role", row.role.id, row.role.name),
        subject_id=row.user_id,
        details={
            "role": row.role.name,
            "before": before,
            "after": after,
            "valid_until": row.valid_until.isoformat() if row.valid_until else None,
        },
        subject_details={"username": row.user.username, "reason": row.reason},
    )

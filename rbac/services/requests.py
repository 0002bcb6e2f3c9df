"""Asking for a role: somebody else decides, and what is given ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from auditlog.services import Target, record
from chatsec.core.context import SYSTEM, Actor, ActorKind
from chatsec.core.errors import Conflict, Denied, Invalid, Json, NotFound, TooMany
from rbac import selectors
from rbac.constants import PUBLIC_ROLE
from rbac.events import ACCESS_DECIDED, ACCESS_REQUESTED
from rbac.models import AccessRequest, Role
from rbac.services.assignments import assign_role
from rbac.services.governance import (
    cleaned_reason,
    hold_policy_lock,
    refuse_unless_administrator,
)

State = AccessRequest.State
OPEN_FOR = timedelta(days=14)
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(days=90)
MAX_OPEN = 10


def request_access(
    actor: Actor, *, user: User, role: str, reason: str, duration: timedelta
) -> AccessRequest:
    """Ask for the role for that long from approval; `user` is who acts."""
    _refuse_requester(actor, user)
    reason = cleaned_reason(reason)
    _refuse_duration(duration)
    now = timezone.now()
    with transaction.atomic():
        # Two of his sessions wait for each other: the limits below are exact.
        User.objects.select_for_update(no_key=True).only("id").get(pk=user.pk)
        wanted = _requestable(role)
        mine = AccessRequest.objects.filter(requester=user, state=State.OPEN)
        _expire(mine.filter(expires_at__lte=now))
        if mine.filter(role=wanted).exists():
            raise Conflict("You have asked for it already.", code="already_requested")
        if mine.count() >= MAX_OPEN:
            raise TooMany("Too many requests wait.", retry_after_seconds=3600)
        live = selectors.list_live_assignments(user.pk, now=now)
        if live.filter(role=wanted).exists():
            raise Conflict("You have this role.", code="already_assigned")
        made = AccessRequest.objects.create(
            requester=user,
            role=wanted,
            reason=reason,
            duration=duration,
            created_at=now,
            expires_at=now + OPEN_FOR,
        )
        record(
            ACCESS_REQUESTED,
            actor=actor,
            target=Target("access_request", made.id, wanted.name),
            subject_id=user.pk,
            details={"before": None, "after": _evidence(made)},
            subject_details={"username": user.username, "reason": reason},
        )
    return made


def approve_request(
    actor: Actor, *, request_id: UUID, reason: str = ""
) -> AccessRequest:
    """Give the role from now for the time asked; exactly once, by somebody else."""
    refuse_unless_administrator(actor)
    reason = cleaned_reason(reason) if reason.strip() else ""
    with transaction.atomic():
        # First, as everywhere: a role that is deleted takes its requests along.
        hold_policy_lock()
        found = _open_request(request_id)
        if actor.id == found.requester_id:
            raise Denied("Somebody else must decide.", code="own_request")
        if not found.requester.is_active:
            raise Conflict("The account is closed.", code="account_closed")
        found.assignment = assign_role(
            actor,
            user=found.requester,
            role=found.role,
            reason=found.reason,
            valid_until=timezone.now() + found.duration,
        )
        _decide(actor, found, state=State.APPROVED, reason=reason)
    return found


def deny_request(actor: Actor, *, request_id: UUID, reason: str) -> AccessRequest:
    """Refuse the role; the requester reads why."""
    refuse_unless_administrator(actor)
    reason = cleaned_reason(reason)
    with transaction.atomic():
        found = _open_request(request_id)
        if actor.id == found.requester_id:
            raise Denied("Somebody else must decide.", code="own_request")
        _decide(actor, found, state=State.DENIED, reason=reason)
    return found


def cancel_request(actor: Actor, *, request_id: UUID) -> AccessRequest:
    """Take one's own request back; nobody else's is there to be seen."""
    with transaction.atomic():
        found = _open_request(request_id, requester_id=actor.id)
        _decide(actor, found, state=State.CANCELLED, reason="")
    return found


def expire_requests(*, now: datetime | None = None) -> int:
    """Close what waited for too long; return how many."""
    with transaction.atomic():
        stale = AccessRequest.objects.filter(
            state=State.OPEN, expires_at__lte=now or timezone.now()
        )
        return _expire(stale.order_by("id"))


def _expire(stale: QuerySet[AccessRequest]) -> int:
    rows = stale.select_related("role", "requester").select_for_update(
        of=("self",), skip_locked=True
    )
    count = 0
    for row in rows:
        _decide(SYSTEM, row, state=State.EXPIRED, reason="")
        count += 1
    return count


def _open_request(
    request_id: UUID, *, requester_id: UUID | None = None
) -> AccessRequest:
    """Return the waiting request, locked: of parallel decisions one counts."""
    rows = AccessRequest.objects.select_related("role", "requester")
    if requester_id is not None:
        rows = rows.filter(requester_id=requester_id)
    found = rows.select_for_update(of=("self",)).filter(pk=request_id).first()
    if found is None:
        raise NotFound("There is no such request.")
    if not found.is_open_at(timezone.now()):
        raise Conflict("It is decided already.", code="already_decided")
    return found


def _decide(actor: Actor, found: AccessRequest, *, state: State, reason: str) -> None:
    before = _evidence(found)
    found.state = state
    found.decided_at = timezone.now()
    found.decided_by_id = actor.id
    found.decision_reason = reason
    found.save()
    record(
        ACCESS_DECIDED,
        actor=actor,
        outcome="denied" if state == State.DENIED else "success",
        target=Target("access_request", found.id, found.role.name),
        subject_id=found.requester_id,
        details={"before": before, "after": _evidence(found)},
        subject_details={"username": found.requester.username, "reason": reason},
    )


def _evidence(row: AccessRequest) -> dict[str, Json]:
    return {
        "role": row.role.name,
        "state": str(row.state),
        "duration_seconds": int(row.duration.total_seconds()),
        "assignment": str(row.assignment_id) if row.assignment_id else None,
    }


def _refuse_requester(actor: Actor, user: User) -> None:
    if actor.kind is not ActorKind.USER or actor.id != user.pk or not user.is_active:
        raise Denied("Only people ask, and for themselves.")


def _refuse_duration(duration: timedelta) -> None:
    if not SHORTEST <= duration <= LONGEST:
        text = "Between 15 minutes and 90 days."
        raise Invalid("The duration is not valid.", fields={"duration_seconds": [text]})


def _requestable(name: str) -> Role:
    if "\x00" in name or name == PUBLIC_ROLE:
        raise NotFound("There is no such role.")
    found = Role.objects.filter(name=name).first()
    if found is None:
        raise NotFound("There is no such role.")
    if found.is_break_glass:
        raise Conflict(
            "This role is only activated in an emergency.", code="break_glass_role"
        )
    return found

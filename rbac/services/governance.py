"""Who may write policy: with the permission, a second factor, and no more than held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from chatsec.core.context import Actor, ActorKind, Person
from chatsec.core.errors import Conflict, Denied, Invalid, StepUpRequired
from rbac import selectors
from rbac.constants import ADMIN_ROLE, MANAGE_ROLES, SECOND_FACTORS
from rbac.models import Assignment, PolicyStamp
from rbac.policy import Entry, Grant
from rbac.policy.roles import is_pattern
from rbac.services.deciding import decide, entry_of

MAX_REASON = 500


def hold_policy_lock() -> None:
    """Wait until no other transaction writes policy; held until this one ends."""
    PolicyStamp.objects.select_for_update().get(pk=1)


def refuse_unless_administrator(actor: Actor) -> None:
    """Let pass the system, and whoever may manage roles with a second factor."""
    if actor.kind is ActorKind.SYSTEM:
        return
    if not decide(actor, MANAGE_ROLES).is_allowed:
        raise Denied("Only an administrator may change roles.", required=MANAGE_ROLES)
    if not SECOND_FACTORS & set(actor.amr) and actor.stepped_up_at is None:
        raise StepUpRequired("Sign in with a second factor to change roles.")


def cleaned_reason(reason: str) -> str:
    """Return the reason; raise Invalid if it says nothing."""
    text = reason.strip()
    if not text:
        raise Invalid("A reason is needed.", fields={"reason": ["Say why."]})
    if len(text) > MAX_REASON or "\x00" in text:
        raise Invalid(
            "The reason is not valid.",
            fields={"reason": [f"At most {MAX_REASON} characters of text."]},
        )
    return text


def refuse_more_than_held(actor: Actor, grants: Iterable[Grant]) -> None:
    """Let nobody give away what he does not hold himself."""
    if actor.kind is ActorKind.SYSTEM:
        return
    entry = entry_of(actor)
    for grant in grants:
        if grant.effect == "allow" and not _holds(entry, grant):
            raise Denied(
                f"You do not hold {grant.code} yourself.",
                code="exceeds_own_permissions",
                required=grant.code,
            )


def _holds(entry: Entry, wanted: Grant) -> bool:
    return any(
        held.effect == "allow" and _includes(held, wanted) for held, _ in entry.held
    )


def _includes(held: Grant, wanted: Grant) -> bool:
    covered = held.code == wanted.code or (
        is_pattern(held.code) and wanted.code.startswith(held.code[:-1])
    )
    return (
        covered
        and held.condition in (None, wanted.condition)
        and held.row_filter in (None, wanted.row_filter)
        and (held.columns is None or held.columns == wanted.columns)
        and (wanted.requires_step_up or not held.requires_step_up)
    )


def refuse_last_administrator(leaving: Assignment) -> None:
    """Keep one active administrator without an end date; call under the lock."""
    now = timezone.now()
    if leaving.role.name != ADMIN_ROLE or not leaving.is_active_at(now):
        return
    if leaving.user.is_active and not _lasting(now).exclude(pk=leaving.pk).exists():
        raise Conflict("This is the last administrator.", code="last_administrator")


def refuse_closing_last_administrator(person: Person) -> None:
    """Keep the last administrator's account open; call in a transaction."""
    now = timezone.now()
    active = selectors.list_live_assignments(person.id, now=now)
    if not active.filter(role__name=ADMIN_ROLE, valid_from__lte=now).exists():
        return
    hold_policy_lock()
    if not _lasting(now).exclude(user_id=person.id).exists():
        raise Conflict("This is the last administrator.", code="last_administrator")


def _lasting(now: datetime) -> QuerySet[Assignment]:
    """Return the assignments that make active people administrators without end."""
    return Assignment.objects.filter(
        role__name=ADMIN_ROLE,
        user__is_active=True,
        revoked_at__isnull=True,
        valid_from__lte=now,
        valid_until__isnull=True,
    )

"""Who may write policy, under one lock; and that an administrator always remains."""

from __future__ import annotations

import unicodedata

from django.db.models import F
from django.utils import timezone

from chatsec.core.context import Actor, ActorKind, Person
from chatsec.core.errors import Conflict, Denied, Invalid, StepUpRequired
from rbac import selectors
from rbac.constants import ADMIN_ROLE, MANAGE_ROLES, SECOND_FACTORS
from rbac.models import Assignment, PolicyStamp
from rbac.services.deciding import decide

MAX_REASON = 500
# Letters that run from right to left need none of these; only deceit does.
DIRECTION_CONTROLS = frozenset(
    ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
)
NOBODY, FOR_A_WHILE, LASTING = range(3)


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
    """Return the reason; raise Invalid if it says nothing that can be read."""
    text = reason.strip()
    if not any(sign.isalnum() for sign in text):
        raise Invalid("A reason is needed.", fields={"reason": ["Say why."]})
    if len(text) > MAX_REASON or any(_is_deceptive(sign) for sign in text):
        raise Invalid(
            "The reason is not valid.",
            fields={"reason": [f"At most {MAX_REASON} characters of text."]},
        )
    return text


def _is_deceptive(sign: str) -> bool:
    """Whether the sign controls a screen, or turns round what is read beside it."""
    if unicodedata.category(sign) == "Cc":
        return not sign.isspace()
    return unicodedata.bidirectional(sign) in DIRECTION_CONTROLS


def administration(*, without: Person | None = None) -> int:
    """Return whether somebody administers now: for good, for a while, or nobody.

    Whom another of his roles denies the permission is no administrator.
    """
    now = timezone.now()
    rows = Assignment.objects.filter(
        role__name=ADMIN_ROLE,
        user__is_active=True,
        user__is_service=False,
        revoked_at__isnull=True,
        valid_from__lte=now,
    ).exclude(valid_until__lte=now)
    if without is not None:
        rows = rows.exclude(user_id=without.id)
    policy = selectors.current_snapshot()
    for row in rows.order_by(F("valid_until").desc(nulls_first=True)).iterator(100):
        roles = selectors.list_live_assignments(row.user_id, now=now)
        held = policy.entry(roles.values_list("role__name", flat=True))
        if held.quick(MANAGE_ROLES):
            return LASTING if row.valid_until is None else FOR_A_WHILE
    return NOBODY


def refuse_fewer_administrators(before: int) -> None:
    """Keep what `administration` said before the change; call under the lock."""
    if administration() < before:
        raise Conflict("This is the last administrator.", code="last_administrator")


def refuse_last_administrator(leaving: Assignment) -> None:
    """Keep an administrator besides whom this assignment makes one."""
    now = timezone.now()
    if leaving.role.name == ADMIN_ROLE and leaving.is_active_at(now):
        refuse_closing_last_administrator(leaving.user)


def refuse_closing_last_administrator(person: Person) -> None:
    """Keep the last administrator's account open; call in a transaction."""
    now = timezone.now()
    active = selectors.list_live_assignments(person.id, now=now)
    if not active.filter(role__name=ADMIN_ROLE, valid_from__lte=now).exists():
        return
    hold_policy_lock()
    if administration(without=person) < administration():
        raise Conflict("This is the last administrator.", code="last_administrator")

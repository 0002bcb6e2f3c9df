"""One change of policy: under one lock, compared before and after, or undone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chatsec.core.context import Actor
from rbac import selectors
from rbac.policy import Snapshot
from rbac.services import delegation, separation
from rbac.services.delegation import heirs_by_parent, heirs_of
from rbac.services.governance import (
    administration,
    hold_policy_lock,
    refuse_fewer_administrators,
    refuse_unless_administrator,
)


@dataclass(frozen=True, slots=True)
class _Before:
    """What held before the change, and what its author held."""

    policy: Snapshot
    held: delegation.Grants
    # For roles that the author has himself: they must not outlast what he holds.
    lasting: delegation.Grants
    own_roles: frozenset[str]


@contextmanager
def policy_change(
    actor: Actor, *, edited: Collection[str] = (), person_id: UUID | None = None
) -> Iterator[None]:
    """Run the block as an administrator's change of the `edited` roles.

    Afterwards nobody has more than its author held before it, no two roles came
    together that are kept apart, and an administrator remains; else nothing changed.
    """
    refuse_unless_administrator(actor)
    with compared_change(actor, person_id=person_id):
        # Once more: he may have lost the role while this waited for the lock.
        refuse_unless_administrator(actor)
        before = _picture(actor) if edited else None
        yield
        if before is not None and not delegation.is_unbounded(actor):
            _refuse_gifts(before, frozenset(edited))


@contextmanager
def compared_change(actor: Actor, *, person_id: UUID | None = None) -> Iterator[None]:
    """Run the block under the lock, keeping duties apart and an administrator."""
    with transaction.atomic():
        hold_policy_lock()
        selectors.release_stamp(actor.person)
        administrators = administration()
        violations = separation.find_violations(person_id=person_id)
        yield
        selectors.release_stamp(actor.person)
        separation.refuse_new_violations(violations, person_id=person_id)
        refuse_fewer_administrators(administrators)
    selectors.release_stamp(actor.person)


def _picture(actor: Actor) -> _Before:
    own: frozenset[str] = frozenset()
    if actor.person is not None:
        live = selectors.list_live_assignments(actor.person.id, now=timezone.now())
        own = frozenset(live.values_list("role__name", flat=True))
    return _Before(
        policy=selectors.current_snapshot(),
        held=delegation.grants_held(actor),
        lasting=delegation.grants_held_until(actor, None),
        own_roles=own,
    )


def _refuse_gifts(before: _Before, edited: frozenset[str]) -> None:
    """Compare the edited roles and all that inherit them with what was held before.

    The edited ones must be within it as a whole; an heir in what it gains.
    """
    after = selectors.current_snapshot()
    reached = frozenset[str]()
    for policy in (before.policy, after):
        reached |= heirs_of(heirs_by_parent(policy), edited)
    for name in reached:
        old, new = before.policy.roles.get(name), after.roles.get(name)
        was, now = delegation.grants_of(old), delegation.grants_of(new)
        held = before.lasting if name in before.own_roles else before.held
        if name in edited:
            delegation.refuse_beyond(held, was)
            delegation.refuse_beyond(held, now)
        delegation.refuse_beyond(held, delegation.gained(was, now))

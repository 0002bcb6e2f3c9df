"""What saving a role would do: to whom, and whether it would be refused."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from chatsec.core.context import Actor
from rbac import policy, selectors
from rbac.constants import PUBLIC_ROLE
from rbac.holders import list_active_assignments
from rbac.models import Role
from rbac.policy import Snapshot
from rbac.policy.effects import Change, changes_of, heirs_of
from rbac.services.roles import (
    GrantDefinition,
    RoleDefinition,
    create_role,
    update_role,
    validated,
)

Holders = dict[frozenset[str], list[str]]


@dataclass(frozen=True, slots=True)
class RoleEffect:
    """The difference that saving would make."""

    # For the people who hold the role now, by itself or through an heir.
    changes: tuple[Change, ...]
    # For somebody with this role alone.
    role_changes: tuple[Change, ...]
    holders: int
    heirs: tuple[str, ...]


def preview_role(
    actor: Actor, *, definition: RoleDefinition, role: Role | None = None
) -> RoleEffect:
    """Return what saving would change; raise what it would raise; save nothing."""
    before = selectors.current_snapshot()
    _rehearse(actor, definition, role)
    # The rehearsal was rolled back, its stamps with it.
    selectors.release_stamp(actor.person)
    definition = validated(definition)
    after = before.edited([as_policy(definition)])
    heirs = heirs_of(after, definition.name)
    holders = _holders(heirs, now=timezone.now())
    return RoleEffect(
        changes=changes_of(before, after, role=definition.name, holders=holders),
        role_changes=_alone(before, after, definition.name),
        holders=sum(map(len, holders.values())),
        heirs=tuple(sorted(heirs - {definition.name})),
    )


def as_policy(definition: RoleDefinition) -> policy.Role:
    """Return the definition as the decision engine takes it."""
    grants = (_grant(definition.name, line) for line in definition.grants)
    return policy.Role(definition.name, definition.inherits, tuple(grants))


def _grant(role: str, line: GrantDefinition) -> policy.Grant:
    return policy.grant(
        role,
        line.permission,
        effect="deny" if line.effect == "deny" else "allow",
        condition=line.condition,
        row_filter=line.row_filter,
        columns=line.columns,
        requires_step_up=line.requires_step_up,
    )


def _rehearse(actor: Actor, definition: RoleDefinition, role: Role | None) -> None:
    with transaction.atomic():
        if role is None:
            create_role(actor, definition=definition)
        else:
            update_role(actor, role=role, definition=definition)
        transaction.set_rollback(True)


def _alone(before: Snapshot, after: Snapshot, name: str) -> tuple[Change, ...]:
    return changes_of(before, after, role=name, holders={frozenset({name}): [""]})


def _holders(roles: frozenset[str], *, now: datetime) -> Holders:
    """Return the active people who hold one of the roles, by all that they hold."""
    active = list_active_assignments(now=now)
    people: QuerySet[User] = User.objects.filter(is_active=True)
    if PUBLIC_ROLE not in roles:
        holding = active.filter(role__name__in=roles)
        people = people.filter(pk__in=holding.values("user"))
    names = dict(people.order_by("username").values_list("pk", "username"))
    held: dict[UUID, set[str]] = defaultdict(set)
    given = active.filter(user__in=people).values_list("user", "role__name")
    for user_id, role in given:
        held[user_id].add(role)
    found: Holders = defaultdict(list)
    for user_id, username in names.items():
        found[frozenset(held[user_id])].append(username)
    return dict(found)

"""One role for many people, in one transaction, telling who could not get it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from django.db import transaction

from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Denied
from rbac.models import Assignment, Role
from rbac.services.assignments import assign_role
from rbac.services.governance import refuse_unless_administrator

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody who could not get the role, and why."""

    user: User
    text: str


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """Who got the role and who did not."""

    given: tuple[Assignment, ...]
    refused: tuple[Refused, ...]


def assign_role_to_many(  # noqa: PLR0913 - one assignment is these columns
    actor: Actor,
    *,
    users: Iterable[User],
    role: Role,
    reason: str,
    valid_until: datetime | None,
    mode: Literal["give", "preview"] = "give",
) -> BulkOutcome:
    """Give the role to all who can have it; a preview leaves nothing behind.

    What would refuse everybody (the actor, the reason, the period) is raised.
    """
    refuse_unless_administrator(actor)
    given: list[Assignment] = []
    refused: list[Refused] = []
    with transaction.atomic():
        # In one order, so that two who give roles to the same people do not block
        # each other for ever.
        for user in sorted(users, key=lambda person: person.id):
            try:
                with transaction.atomic():
                    row = assign_role(
                        actor,
                        user=user,
                        role=role,
                        reason=reason,
                        valid_until=valid_until,
                    )
            except (Conflict, Denied) as refusal:
                refused.append(Refused(user, refusal.message))
            else:
                given.append(row)
        if mode == "preview":
            transaction.set_rollback(True)
    return BulkOutcome(tuple(given), tuple(refused))

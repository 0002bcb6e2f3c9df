"""Which roles somebody has, told to whom roles are shown."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from chatsec.core.context import Actor
from rbac import selectors
from rbac.constants import MANAGE_ROLES, VIEW_MATRIX
from rbac.services.deciding import check_permission


def held_roles(viewer: Actor, owner: UUID) -> list[tuple[str, str]] | None:
    """Return name and label of the roles that count today; None to who may not see."""
    if not (
        check_permission(viewer, VIEW_MATRIX) or check_permission(viewer, MANAGE_ROLES)
    ):
        return None
    now = timezone.now()
    rows = selectors.list_live_assignments(owner, now=now).filter(valid_from__lte=now)
    pairs = rows.values_list("role__name", "role__label").distinct()
    return sorted((name, label or name) for name, label in pairs)

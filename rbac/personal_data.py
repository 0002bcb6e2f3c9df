"""What roles say about a person, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal
from rbac.models import Assignment, UserStamp

CHUNK = 500


def export_assignments(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield every role that the person has or had, and why."""
    rows = Assignment.objects.filter(user_id=subject_id).select_related("role")
    for row in rows.order_by("id").iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "role": row.role.name,
            "reason": row.reason,
            "valid_from": row.valid_from.isoformat(),
            "valid_until": _moment(row.valid_until),
            "created_at": row.created_at.isoformat(),
            "revoked_at": _moment(row.revoked_at),
            "revoke_reason": row.revoke_reason,
        }


def erase_assignments(subject_id: UUID) -> int:
    """Delete the person's assignments, and his name from those that he gave."""
    Assignment.objects.filter(granted_by_id=subject_id).update(granted_by=None)
    Assignment.objects.filter(revoked_by_id=subject_id).update(revoked_by=None)
    erased = Assignment.objects.filter(user_id=subject_id).delete()[0]
    # Last: deleting assignments stamps their owner once more.
    UserStamp.objects.filter(user_id=subject_id).delete()
    return erased


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


declare(
    Declaration(
        model="rbac.Assignment",
        holds="Which roles you have or had, since when and why",
        part="personal_info",
        purposes=("account",),
        export=export_assignments,
        erase=erase_assignments,
    )
)
not_personal(
    "rbac.UserStamp",
    reason="A random value that dates cached permissions; erased with the assignments",
)
not_personal(
    "rbac.Domain",
    "rbac.Role",
    "rbac.RoleParent",
    "rbac.RoleGrant",
    "rbac.PolicyStamp",
    reason="Describe roles, not people",
)

"""What roles say about a person, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal
from rbac.models import (
    AccessRequest,
    Assignment,
    BreakGlassActivation,
    BreakGlassEligibility,
    UserStamp,
)

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


def export_access_requests(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield every role that the person asked for, and what became of it."""
    rows = AccessRequest.objects.filter(requester_id=subject_id).select_related("role")
    for row in rows.order_by("id").iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "role": row.role.name,
            "reason": row.reason,
            "duration_seconds": int(row.duration.total_seconds()),
            "state": row.state,
            "created_at": row.created_at.isoformat(),
            "decided_at": _moment(row.decided_at),
            "decision_reason": row.decision_reason,
        }


def erase_access_requests(subject_id: UUID) -> int:
    """Delete the person's requests, and his name from those that he decided."""
    AccessRequest.objects.filter(decided_by_id=subject_id).update(decided_by=None)
    return AccessRequest.objects.filter(requester_id=subject_id).delete()[0]


def export_eligibilities(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the break-glass roles that the person may or might activate."""
    rows = BreakGlassEligibility.objects.filter(user_id=subject_id)
    for row in rows.select_related("role").order_by("id").iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "role": row.role.name,
            "reason": row.reason,
            "created_at": row.created_at.isoformat(),
            "valid_until": _moment(row.valid_until),
            "revoked_at": _moment(row.revoked_at),
        }


def erase_eligibilities(subject_id: UUID) -> int:
    """Delete the person's eligibilities, and his name from those that he gave."""
    given = BreakGlassEligibility.objects.filter(granted_by_id=subject_id)
    given.update(granted_by=None)
    return BreakGlassEligibility.objects.filter(user_id=subject_id).delete()[0]


def export_activations(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the emergencies that the person declared."""
    rows = BreakGlassActivation.objects.filter(user_id=subject_id)
    for row in rows.select_related("role").order_by("id").iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "role": row.role.name,
            "reason": row.reason,
            "started_at": row.started_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "ended_at": _moment(row.ended_at),
        }


def erase_activations(subject_id: UUID) -> int:
    """Delete the person's emergencies; the security events keep the evidence."""
    return BreakGlassActivation.objects.filter(user_id=subject_id).delete()[0]


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
declare(
    Declaration(
        model="rbac.AccessRequest",
        holds="Which roles you asked for, why, and what was decided",
        part="personal_info",
        purposes=("account",),
        export=export_access_requests,
        erase=erase_access_requests,
    )
)
declare(
    Declaration(
        model="rbac.BreakGlassEligibility",
        holds="Which roles you may activate in an emergency",
        part="personal_info",
        purposes=("account",),
        export=export_eligibilities,
        erase=erase_eligibilities,
    )
)
declare(
    Declaration(
        model="rbac.BreakGlassActivation",
        holds="Which emergency roles you activated, when and why",
        part="personal_info",
        purposes=("account",),
        export=export_activations,
        erase=erase_activations,
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
    "rbac.RoleGroup",
    "rbac.PolicyStamp",
    "rbac.PolicyChange",
    "rbac.SodRule",
    reason="Describe roles, not people",
)

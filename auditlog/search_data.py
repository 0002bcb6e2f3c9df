"""What saved searches hold on a person, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from uuid import UUID

from auditlog.models import SavedSearch
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal


def export_searches(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the searches that the person saved."""
    for search in SavedSearch.objects.filter(owner_id=subject_id).order_by("id"):
        yield {
            "name": search.name,
            "filters": search.words,
            "shared": search.is_shared,
            "created_at": search.created_at.astimezone(UTC).isoformat(),
        }


def erase_searches(subject_id: UUID) -> int:
    """Delete what the person saved, shared or not."""
    return SavedSearch.objects.filter(owner_id=subject_id).delete()[0]


not_personal(
    "auditlog.EventStream",
    reason="A receiver of the organisation, and how far it has come",
)
declare(
    Declaration(
        model="auditlog.SavedSearch",
        holds="Searches of the audit log that you saved, and what you called them",
        part="personal_info",
        purposes=("audit_trail",),
        export=export_searches,
        erase=erase_searches,
    )
)

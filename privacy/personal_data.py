"""What the privacy app itself holds on a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import QuerySet

from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal
from privacy import selectors
from privacy.batches import delete_in_batches
from privacy.export import storage
from privacy.models import (
    OPEN_STATES,
    ConsentState,
    ExportArtifact,
    LegalHold,
    RequestTask,
    SubjectKey,
    SubjectRequest,
)

CHUNK = 500
RIGHTS = ("privacy_rights",)
PROOF = "Proof that the law was kept (GDPR Art. 5(2), 17(3)(b))."


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at is not None else None


def export_key(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield that there is a key, and the pseudonym; never the key."""
    for row in SubjectKey.objects.filter(subject_id=subject_id):
        yield {
            "subject_id": str(row.subject_id),
            "pseudonym": str(row.pseudonym),
            "created_at": _moment(row.created_at),
            "destroyed_at": _moment(row.destroyed_at),
        }


def export_consent_states(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what the person says now about each purpose."""
    rows = ConsentState.objects.filter(subject_id=subject_id).order_by("pk")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "purpose": row.purpose_id,
            "granted": row.granted,
            "changed_at": _moment(row.changed_at),
        }


def erase_consent_states(subject_id: UUID) -> int:
    """Delete the present answers; the ledger keeps the proof under a pseudonym."""
    return ConsentState.objects.filter(subject_id=subject_id).delete()[0]


def export_consent_events(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield every yes and no, with the notice that was shown."""
    rows = selectors.list_consent_events(subject_id).select_related("notice")
    for row in rows.order_by("pk").iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "pseudonym": str(row.pseudonym),
            "purpose": row.purpose_id,
            "granted": row.granted,
            "notice_sha256": row.notice.sha256,
            "channel": row.channel,
            "occurred_at": _moment(row.occurred_at),
        }


def export_requests(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the person's requests and how they were answered."""
    rows = SubjectRequest.objects.filter(subject_id=subject_id).order_by("pk")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "kind": row.kind,
            "state": row.state,
            "identity_proof": row.identity_proof,
            "channel": row.channel,
            "received_at": _moment(row.received_at),
            "due_at": _moment(row.due_at),
            "closed_at": _moment(row.closed_at),
            "resolution": row.resolution,
        }


def _answered_before(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[SubjectRequest]:
    rows = SubjectRequest.objects.filter(closed_at__lt=before)
    return rows.exclude(state__in=OPEN_STATES).exclude(subject_id__in=held)


def expire_requests(before: datetime, held: frozenset[UUID]) -> int:
    """Delete requests that were closed before, with their tasks and artifact rows."""
    return delete_in_batches(_answered_before(before, held))


def count_expired_requests(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many requests `expire_requests` would delete."""
    return _answered_before(before, held).count()


def export_artifacts(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the exports that were made; never their keys."""
    rows = ExportArtifact.objects.filter(request__subject_id=subject_id)
    for row in rows.order_by("pk").iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "request": str(row.request_id),
            "size": row.size,
            "sha256": row.sha256,
            "ready_at": _moment(row.ready_at),
            "expires_at": _moment(row.expires_at),
            "downloads_left": row.downloads_left,
        }


def erase_artifacts(subject_id: UUID) -> int:
    """Delete the export files and their rows."""
    rows = list(ExportArtifact.objects.filter(request__subject_id=subject_id))
    for row in rows:
        storage.remove(row)
        row.delete()
    return len(rows)


def export_tasks(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield how far each model's share of the person's exports has come."""
    rows = RequestTask.objects.filter(request__subject_id=subject_id)
    for row in rows.order_by("pk").iterator(chunk_size=CHUNK):
        yield {"request": str(row.request_id), "model": row.model, "state": row.state}


def erase_tasks(subject_id: UUID) -> int:
    """Delete the shares of the person's exports."""
    return RequestTask.objects.filter(request__subject_id=subject_id).delete()[0]


def export_holds(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the legal holds on the person's data, without who placed them."""
    rows = LegalHold.objects.filter(subject_id=subject_id).order_by("pk")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "matter": row.matter,
            "placed_at": _moment(row.placed_at),
            "released_at": _moment(row.released_at),
        }


declare(
    Declaration(
        model="privacy.SubjectKey",
        holds="Your pseudonym in the audit log, and that your data has its own key",
        part="personal_info",
        purposes=("account", "audit_trail"),
        export=export_key,
        erase=None,
        keep_reason="An empty row stays, so that no second key is ever made.",
    )
)
declare(
    Declaration(
        model="privacy.ConsentState",
        holds="What you agreed to",
        part="consents",
        purposes=RIGHTS,
        export=export_consent_states,
        erase=erase_consent_states,
    )
)
declare(
    Declaration(
        model="privacy.ConsentEvent",
        holds="Each time you agreed or withdrew, and the notice you saw",
        part="consents",
        purposes=RIGHTS,
        export=export_consent_events,
        erase=None,
        keep_reason=(
            "Proof of consent (GDPR Art. 7(1)), under a pseudonym that leads to nobody "
            "once your key is destroyed."
        ),
    )
)
declare(
    Declaration(
        model="privacy.SubjectRequest",
        holds="Your privacy requests and our answers",
        part="data_processing_log",
        purposes=RIGHTS,
        export=export_requests,
        erase=None,
        keep_reason=PROOF,
        retention="privacy_requests",
        expire=expire_requests,
        count_expired=count_expired_requests,
    )
)
declare(
    Declaration(
        model="privacy.ExportArtifact",
        holds="The exports of your data that were made",
        part="data_processing_log",
        purposes=RIGHTS,
        export=export_artifacts,
        erase=erase_artifacts,
    )
)
declare(
    Declaration(
        model="privacy.RequestTask",
        holds="How far the work on your requests has come",
        part="data_processing_log",
        purposes=RIGHTS,
        export=export_tasks,
        erase=erase_tasks,
    )
)
declare(
    Declaration(
        model="privacy.LegalHold",
        holds="Whether your data must be kept for a legal matter",
        part="data_processing_log",
        purposes=("audit_trail",),
        export=export_holds,
        erase=None,
        keep_reason="A hold ends by release only (GDPR Art. 17(3)(e)).",
    )
)
not_personal("privacy.Purpose", reason="The register of purposes")
not_personal("privacy.NoticeVersion", reason="A text that was published")
not_personal("privacy.RetentionPolicy", reason="Periods")
not_personal(
    "privacy.RetentionRun", reason="Counts of deleted rows, of nobody in particular"
)

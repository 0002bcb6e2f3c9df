"""The finished export leaves: to its owner, a few times, for a few days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core.context import Actor
from chatsec.core.crypto import KeyDestroyed
from privacy import events, selectors
from privacy.errors import ExportGone, ExportNotReady
from privacy.export import storage
from privacy.export.framing import decrypted
from privacy.models import OPEN_STATES, ExportArtifact, RequestState, SubjectRequest
from privacy.services.exports import artifact_key

GONE = "This export has expired, or was downloaded as often as it may be."


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way to its owner, decrypted frame by frame."""

    file_name: str
    size: int
    chunks: Iterator[bytes]


def start_download(
    actor: Actor, request_id: UUID, *, now: datetime | None = None
) -> Download:
    """Return the actor's own export, counted and recorded before the first byte.

    Raises NotFound for anybody else, ExportNotReady, ExportGone.
    """
    now = now or timezone.now()
    request = selectors.get_request(actor, request_id)
    artifact = _artifact_of(request)
    with transaction.atomic():
        _count(artifact, now)
        key = _key(artifact, request)
        source = _opened(artifact)
        record(
            events.EXPORT_DOWNLOADED,
            actor=actor,
            target=Target("privacy_request", request.id),
            subject_id=request.subject_id,
            details={"kind": request.kind, "sha256": artifact.sha256},
            classification="personal",
            result_count=1,
        )
    day = artifact.ready_at or now
    name = f"my-data-{day:%Y-%m-%d}.zip"
    return Download(name, artifact.size, _stream(source, key, artifact))


def remove_expired(now: datetime) -> int:
    """Delete export files past their time or of ended requests; return how many."""
    ended = Q(expires_at__lte=now) | (
        ~Q(request__state__in=OPEN_STATES) & ~Q(request__state=RequestState.COMPLETED)
    )
    rows = list(ExportArtifact.objects.filter(ended, removed_at__isnull=True))
    for artifact in rows:
        storage.remove(artifact)
        ExportArtifact.objects.filter(id=artifact.id).update(removed_at=now)
    return len(rows)


def _artifact_of(request: SubjectRequest) -> ExportArtifact:
    if request.state != RequestState.COMPLETED:
        raise ExportNotReady("This export is not ready yet.")
    found = ExportArtifact.objects.filter(request_id=request.id).first()
    if found is None or found.ready_at is None:
        raise ExportGone(GONE)
    return found


def _count(artifact: ExportArtifact, now: datetime) -> None:
    """Take one download; the row lock of the UPDATE decides who gets the last one."""
    taken = ExportArtifact.objects.filter(
        id=artifact.id,
        downloads_left__gt=0,
        expires_at__gt=now,
        removed_at__isnull=True,
    ).update(downloads_left=F("downloads_left") - 1)
    if not taken:
        raise ExportGone(GONE)


def _key(artifact: ExportArtifact, request: SubjectRequest) -> bytes:
    try:
        return artifact_key(artifact, request.subject_id)
    except KeyDestroyed as error:
        raise ExportGone(GONE) from error


def _opened(artifact: ExportArtifact) -> BinaryIO:
    try:
        return storage.artifact_path(artifact).open("rb")
    except FileNotFoundError as error:
        raise ExportGone(GONE) from error


def _stream(source: BinaryIO, key: bytes, artifact: ExportArtifact) -> Iterator[bytes]:
    with source:
        yield from decrypted(source, key=key, name=str(artifact.id))

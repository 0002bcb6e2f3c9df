"""A person's data, gathered model by model into one encrypted archive.

Every declared model is written to a file of its own first, and its task marked done. A
worker that is killed loses the model it was at; the next one goes on from there.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from auditlog.services import Target, record
from chatsec.core import crypto, personal_data
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration
from privacy import events
from privacy.constants import EXPORT_DOWNLOADS, EXPORT_LIFETIME
from privacy.export import storage, tables
from privacy.export.framing import EncryptingWriter
from privacy.models import (
    ExportArtifact,
    LawfulBasis,
    Purpose,
    RequestKind,
    RequestState,
    RequestTask,
    TaskState,
)
from privacy.services import leases
from privacy.services.leases import Claim
from privacy.services.packing import Packed, pack

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

logger = logging.getLogger(__name__)

ROWS_BETWEEN_BEATS = 1000
SECONDS_BETWEEN_BEATS = 5.0


def fulfil_request(request_id: UUID, *, now: datetime | None = None) -> bool:
    """Carry an access or portability request out; False when it is not ours to do."""
    claim = leases.claim_request(request_id, now=now or timezone.now())
    if claim is None:
        return False
    try:
        _export(claim)
    except leases.LeaseLost:
        logger.info("request left to others", extra={"request": str(request_id)})
        return False
    except Exception as error:
        leases.release_failed(claim, error)
        raise
    return True


def _export(claim: Claim) -> None:
    declared = {each.model: each for each in _declarations_for(claim.kind)}
    artifact = _artifact_of(claim)
    key = artifact_key(artifact, claim.subject_id)
    beat = Beat(claim)
    for task in _tasks_of(claim, declared.values()):
        if task.state == TaskState.DONE and storage.part_path(artifact, task).exists():
            continue
        _write_task(beat, task, declared[task.model], artifact=artifact, key=key)
    packed = _packed(claim, artifact, key=key, declared=declared, beat=beat)
    _complete(claim, artifact, packed)
    shutil.rmtree(storage.work_directory(artifact), ignore_errors=True)


def _packed(
    claim: Claim,
    artifact: ExportArtifact,
    *,
    key: bytes,
    declared: Mapping[str, Declaration],
    beat: Beat,
) -> Packed:
    try:
        return pack(claim, artifact, key=key, declared=declared, beat=beat.alive)
    except crypto.DecryptionFailed:
        # A part was damaged on disk: the next try writes all of them again.
        tasks = RequestTask.objects.filter(request_id=claim.request_id)
        tasks.update(state=TaskState.PENDING)
        raise


@dataclass(slots=True)
class Beat:
    """Reports progress now and then, which also keeps the lease."""

    claim: Claim
    last: float = field(default_factory=time.monotonic)

    def alive(self) -> None:
        """Renew the lease when it is time to; raise LeaseLost."""
        if time.monotonic() - self.last >= SECONDS_BETWEEN_BEATS:
            self.now()

    def now(self) -> None:
        """Renew the lease; raise LeaseLost."""
        leases.renew(self.claim)
        self.last = time.monotonic()

    def at_row(self, task: RequestTask, row: int) -> None:
        """Say how far a task has come."""
        if row % ROWS_BETWEEN_BEATS == 0:
            self.now()
            RequestTask.objects.filter(id=task.id).update(cursor=row)
        else:
            self.alive()


def _declarations_for(kind: str) -> list[Declaration]:
    """Return what belongs into the export: all, or what Article 20 covers."""
    declared = sorted(personal_data.declarations(), key=lambda each: each.model)
    if kind == RequestKind.ACCESS:
        return declared
    # Portability is about what was provided, under consent or contract.
    bases = (LawfulBasis.CONSENT, LawfulBasis.CONTRACT)
    keys = set(Purpose.objects.filter(basis__in=bases).values_list("key", flat=True))
    return [each for each in declared if keys.intersection(each.purposes)]


def _artifact_of(claim: Claim) -> ExportArtifact:
    found = ExportArtifact.objects.filter(request_id=claim.request_id).first()
    if found is not None:
        return found
    artifact = ExportArtifact(request_id=claim.request_id)
    own_key = os.urandom(crypto.KEY_BYTES).hex()
    artifact.sealed_key = crypto.seal_for(
        claim.subject_id, own_key, place=_key_place(artifact)
    )
    with transaction.atomic():
        leases.lock_claimed(claim)
        artifact.save(force_insert=True)
    return artifact


def artifact_key(artifact: ExportArtifact, subject_id: UUID) -> bytes:
    """Return the file's own key; raise KeyDestroyed once the person is erased."""
    place = _key_place(artifact)
    return bytes.fromhex(
        crypto.open_for(subject_id, bytes(artifact.sealed_key), place=place)
    )


def _key_place(artifact: ExportArtifact) -> crypto.Place:
    return crypto.Place("privacy_exportartifact", "sealed_key", artifact.id)


def _tasks_of(claim: Claim, declared: Iterable[Declaration]) -> list[RequestTask]:
    tasks = [
        RequestTask(request_id=claim.request_id, model=each.model, part=each.part)
        for each in declared
    ]
    RequestTask.objects.bulk_create(tasks, ignore_conflicts=True)
    models = [each.model for each in tasks]
    rows = RequestTask.objects.filter(request_id=claim.request_id, model__in=models)
    return list(rows.order_by("model"))


def _write_task(
    beat: Beat,
    task: RequestTask,
    declared: Declaration,
    *,
    artifact: ExportArtifact,
    key: bytes,
) -> None:
    """Write one model's rows to a new file; the task points at it when it is whole."""
    # A name of its own for each try: a worker taken for dead writes beside it.
    task.file_name = f"{task.id}.{secrets.token_hex(4)}"
    path = storage.part_path(artifact, task)
    written = Written()
    with storage.new_file(path) as raw:
        writer = EncryptingWriter(raw, key=key, name=task.file_name)
        for row in declared.export(beat.claim.subject_id):
            written.add(row, writer)
            beat.at_row(task, written.rows)
        writer.finish()
    _finish_task(beat.claim, task, written)


@dataclass(slots=True)
class Written:
    """What is known of a file once it is written."""

    rows: int = 0
    size: int = 0
    is_flat: bool = True
    columns: dict[str, None] = field(default_factory=dict)
    digest: Hash = field(default_factory=sha256)

    def add(self, row: Mapping[str, Json], writer: EncryptingWriter) -> None:
        """Write one row and count it."""
        line = tables.json_line(row)
        writer.write(line)
        self.digest.update(line)
        self.rows += 1
        self.size += len(line)
        self.is_flat = self.is_flat and tables.is_flat(row)
        self.columns.update(dict.fromkeys(row))


def _finish_task(claim: Claim, task: RequestTask, written: Written) -> None:
    task.state = TaskState.DONE
    task.cursor = written.rows
    task.size = written.size
    task.sha256 = written.digest.hexdigest()
    task.columns = list(written.columns) if written.is_flat else None
    with transaction.atomic():
        leases.lock_claimed(claim)
        task.save()


def _complete(claim: Claim, artifact: ExportArtifact, packed: Packed) -> None:
    now = timezone.now()
    with transaction.atomic():
        request = leases.lock_claimed(claim)
        request.state = RequestState.COMPLETED
        request.closed_at = now
        request.lease_token = request.lease_until = None
        request.last_error = ""
        request.save()
        artifact.size = packed.size
        artifact.sha256 = packed.sha256
        artifact.ready_at = now
        artifact.expires_at = now + EXPORT_LIFETIME
        artifact.downloads_left = EXPORT_DOWNLOADS
        artifact.save()
        record(
            events.EXPORT_READY,
            actor=SYSTEM,
            target=Target("privacy_request", request.id),
            subject_id=request.subject_id,
            details={"kind": request.kind, "sha256": packed.sha256},
            result_count=packed.rows,
        )

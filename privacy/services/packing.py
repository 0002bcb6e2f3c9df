"""The parts of an export become one zip: manifest, tables, a page to read."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.template.loader import render_to_string
from django.utils import timezone

from chatsec.core.crypto import DecryptionFailed
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration
from privacy import selectors
from privacy.constants import PARTS
from privacy.export import storage, tables
from privacy.export.about import about
from privacy.export.archive import Archive, Entry
from privacy.export.framing import EncryptingWriter, decrypted, decrypted_lines
from privacy.models import ExportArtifact, RequestTask
from privacy.services.leases import Claim

PREVIEW_ROWS = 100
PREVIEW_CELL = 500


@dataclass(frozen=True, slots=True)
class Packed:
    """The finished archive, as its artifact describes it."""

    size: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """One model's rows, sealed on disk, readable as often as needed."""

    task: RequestTask
    artifact: ExportArtifact
    key: bytes
    beat: Callable[[], None]

    def chunks(self) -> Iterator[bytes]:
        """Yield the file's bytes."""
        with storage.part_path(self.artifact, self.task).open("rb") as raw:
            for chunk in decrypted(raw, key=self.key, name=self.task.file_name):
                self.beat()
                yield chunk

    def rows(self) -> Iterator[dict[str, Json]]:
        """Yield the rows again."""
        with storage.part_path(self.artifact, self.task).open("rb") as raw:
            for line in decrypted_lines(raw, key=self.key, name=self.task.file_name):
                self.beat()
                yield json.loads(line)

    def csv(self) -> Iterator[bytes]:
        """Yield the rows as lines of CSV under a line of names."""
        columns = self.task.columns or []
        yield tables.csv_line(list(columns))
        for row in self.rows():
            yield tables.csv_line([row.get(name) for name in columns])


def pack(
    claim: Claim,
    artifact: ExportArtifact,
    *,
    key: bytes,
    declared: Mapping[str, Declaration],
    beat: Callable[[], None],
) -> Packed:
    """Write the archive beside its place and move it there when it is whole."""
    tasks = _tasks(claim, declared)
    parts = [Part(task, artifact, key, beat) for task in tasks]
    unfinished = storage.work_directory(artifact) / f"zip.{secrets.token_hex(4)}"
    with storage.new_file(unfinished) as raw:
        writer = EncryptingWriter(raw, key=key, name=str(artifact.id))
        digest = _write(Archive(writer, timezone.now()), claim, parts, declared)
        writer.finish()
    os.replace(unfinished, storage.artifact_path(artifact))
    return Packed(writer.written, digest, sum(each.cursor for each in tasks))


def _tasks(claim: Claim, declared: Mapping[str, Declaration]) -> list[RequestTask]:
    """Return the tasks of the models that are exported, in their order."""
    rows = RequestTask.objects.filter(request_id=claim.request_id)
    return list(rows.filter(model__in=declared).order_by("part", "model"))


def _write(
    archive: Archive,
    claim: Claim,
    parts: list[Part],
    declared: Mapping[str, Declaration],
) -> str:
    for part in parts:
        _add_part(archive, part)
    document = about(list(declared.values()), notice=selectors.get_notice())
    archive.add_json("about.json", document)
    page = _page(parts, declared, document, made_at=archive.made_at)
    archive.add(Entry("index.html"), [page.encode("utf-8", "backslashreplace")])
    request: dict[str, Json] = {"id": str(claim.request_id), "kind": claim.kind}
    return archive.close(about={"request": request})


def _add_part(archive: Archive, part: Part) -> None:
    task = part.task
    path = _path(task)
    rows = archive.add(
        Entry(f"{path}.ndjson", task.model, task.part, task.cursor), part.chunks()
    )
    if rows.digest != task.sha256:
        raise DecryptionFailed(f"{task.model}: not what was written")
    if task.columns:
        table = Entry(f"{path}.csv", task.model, task.part, task.cursor)
        archive.add(table, part.csv())


def _path(task: RequestTask) -> str:
    return f"{task.part}/{task.model.lower()}"


def _page(
    parts: list[Part],
    declared: Mapping[str, Declaration],
    document: Mapping[str, Json],
    *,
    made_at: datetime,
) -> str:
    kept = document["retention"]
    periods = {
        str(each["model"]): str(each["kept"])
        for each in (kept if isinstance(kept, list) else [])
        if isinstance(each, dict)
    }
    sections = [
        {
            "title": name.replace("_", " ").capitalize(),
            "models": [
                _section(part, declared[part.task.model], periods)
                for part in parts
                if part.task.part == name
            ],
        }
        for name in PARTS
    ]
    shown = {"about": document, "parts": sections, "made_at": made_at}
    return render_to_string(
        "privacy/export/index.html", {**shown, "shown": PREVIEW_ROWS}
    )


def _section(
    part: Part, declared: Declaration, periods: Mapping[str, str]
) -> dict[str, object]:
    preview = list(islice(part.rows(), PREVIEW_ROWS))
    columns = list(dict.fromkeys(name for row in preview for name in row))
    return {
        "holds": declared.holds,
        "rows": part.task.cursor,
        "path": f"{_path(part.task)}.ndjson",
        "kept": periods.get(part.task.model, ""),
        "columns": columns,
        "preview": [[_shown(row.get(name)) for name in columns] for row in preview],
    }


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= PREVIEW_CELL else f"{text[:PREVIEW_CELL]}…"

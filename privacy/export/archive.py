"""The zip that a person gets, written in a stream."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import IO, cast

from chatsec.core.errors import Json
from privacy.constants import EXPORT_SCHEMA_VERSION, PARTS
from privacy.export.framing import EncryptingWriter

FASTEST = 1


class _Hashing:
    """Passes bytes on and keeps their digest: the zip's own checksum."""

    def __init__(self, target: EncryptingWriter) -> None:
        self._target = target
        self.digest = sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._target.write(data)

    def flush(self) -> None:
        self._target.flush()


@dataclass(slots=True)
class Entry:
    """One file of the archive, as the manifest lists it."""

    path: str
    model: str = ""
    part: str = ""
    rows: int | None = None
    size: int = 0
    digest: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return the manifest's line for it."""
        return {
            "path": self.path,
            "model": self.model,
            "part": self.part,
            "rows": self.rows,
            "bytes": self.size,
            "sha256": self.digest,
        }


@dataclass(slots=True)
class Archive:
    """A zip under way; `close` writes the manifest last, when all digests are known."""

    target: EncryptingWriter
    made_at: datetime
    entries: list[Entry] = field(default_factory=list)
    _sink: _Hashing = field(init=False)
    _zip: zipfile.ZipFile = field(init=False)

    def __post_init__(self) -> None:
        self._sink = _Hashing(self.target)
        sink = cast("IO[bytes]", self._sink)
        self._zip = zipfile.ZipFile(
            sink, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=FASTEST
        )

    def add(self, entry: Entry, chunks: Iterable[bytes]) -> Entry:
        """Write one file as its bytes come; its size and digest go to the manifest."""
        digest = sha256()
        stamp = self.made_at.timetuple()[:6]
        info = zipfile.ZipInfo(entry.path, date_time=stamp)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as file:
            for chunk in chunks:
                digest.update(chunk)
                entry.size += len(chunk)
                file.write(chunk)
        entry.digest = digest.hexdigest()
        self.entries.append(entry)
        return entry

    def add_json(self, path: str, document: Mapping[str, Json]) -> None:
        """Write one JSON document."""
        self.add(Entry(path), [_pretty(document)])

    def close(self, *, about: Mapping[str, Json]) -> str:
        """Write the manifest with `about` in it; return the zip's SHA-256."""
        manifest: dict[str, Json] = {
            "schema_version": EXPORT_SCHEMA_VERSION,
            "generated_at": self.made_at.isoformat(),
            **about,
            "parts": {part: self._part(part) for part in PARTS},
            "files": [entry.as_json() for entry in self.entries],
        }
        self._zip.writestr("manifest.json", _pretty(manifest))
        self._zip.close()
        return self._sink.digest.hexdigest()

    def _part(self, part: str) -> Json:
        rows = {
            each.model: each.rows
            for each in self.entries
            if each.part == part and each.path.endswith(".ndjson")
        }
        return {"models": list(rows), "rows": sum(each or 0 for each in rows.values())}


def _pretty(document: Mapping[str, Json]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"

"""Events as lines of a file or of a message: JSON, CSV, OCSF."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Final, Literal, cast

from auditlog.ocsf import ocsf_document
from auditlog.shapes import ReadEvent, detail_of
from chatsec.core.errors import Json

Format = Literal["jsonl", "csv", "ocsf"]
# What spreadsheets take for the beginning of a formula, wide forms too (OWASP: CSV
# injection). White space and quotes before it do not make it safe.
FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
IGNORED_BEFORE: Final = " \u00a0\u3000'\"\ufeff"
MEDIA_TYPES: Final[Mapping[Format, str]] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "ocsf": "application/x-ndjson",
}
COLUMNS: Final = (
    "id",
    "timestamp",
    "event_type",
    "category",
    "severity",
    "outcome",
    "actor_kind",
    "user_id",
    "actor_name",
    "subject_id",
    "subject_name",
    "channel",
    "country",
    "request_id",
    "resource_type",
    "resource_id",
    "classification",
    "result_count",
    "details",
    "subject_details",
)


def encode(reads: Sequence[ReadEvent], kind: Format) -> bytes:
    """Return the events as lines, one each."""
    return "".join(_LINES[kind](read) for read in reads).encode(
        "utf-8", "backslashreplace"
    )


def encode_sealed(reads: Sequence[tuple[ReadEvent, int]], kind: Format) -> bytes:
    """Return the events as lines of JSON, each with the number of its seal."""
    lines = (_json_line(_with_seal(read, number, kind)) for read, number in reads)
    return "".join(lines).encode("utf-8", "backslashreplace")


def _with_seal(read: ReadEvent, number: int, kind: Format) -> Mapping[str, Json]:
    if kind == "ocsf":
        document = ocsf_document(read)
        unmapped = cast("dict[str, Json]", document["unmapped"])
        return {**document, "unmapped": {**unmapped, "seal": number}}
    return {**detail_of(read), "seal": number}


def header(kind: Format) -> bytes:
    """Return what stands before the first event."""
    return _csv_line(COLUMNS).encode() if kind == "csv" else b""


def safe_cell(value: Json) -> str:
    """Return the value as text that no spreadsheet calculates."""
    text = "" if value is None else str(value)
    if text.lstrip(IGNORED_BEFORE).startswith(FORMULA) or text.startswith("'"):
        return f"'{text}"
    return text


def _json_line(document: Mapping[str, Json]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _csv_line(cells: Sequence[Json]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(map(safe_cell, cells))
    return line.getvalue()


def _csv(read: ReadEvent) -> str:
    event = read.event
    documents = {
        "details": _compact(read.details),
        "subject_details": _compact(read.subject_details),
        "timestamp": event.occurred_at.astimezone(UTC).isoformat(),
        "user_id": _text(event.actor_pseudonym),
        "subject_id": _text(event.subject_pseudonym),
        "result_count": event.result_count,
        "classification": event.classification,
    }
    row = {**detail_of(read), **documents}
    return _csv_line([row.get(name) for name in COLUMNS])


def _compact(document: Mapping[str, Json]) -> str:
    if not document:
        return ""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _text(value: object) -> str:
    return "" if value is None else str(value)


_LINES: Final[Mapping[Format, Callable[[ReadEvent], str]]] = {
    "jsonl": lambda read: _json_line(detail_of(read)),
    "csv": _csv,
    "ocsf": lambda read: _json_line(ocsf_document(read)),
}

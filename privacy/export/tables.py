"""Rows as lines of JSON and as cells of a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

from chatsec.core.errors import Json

# What spreadsheets take for the start of a formula, full-width forms included (OWASP).
FULL_WIDTH = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
FORMULA_STARTS = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n", *FULL_WIDTH)


def json_line(row: Mapping[str, Json]) -> bytes:
    """Return the row as one line of JSON; raise ValueError for NaN and Infinity."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate is no Unicode text: it is shown escaped rather than lost.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def is_flat(row: Mapping[str, Json]) -> bool:
    """Whether every value fits into one cell."""
    return not any(isinstance(value, list | dict) for value in row.values())


def csv_line(values: list[Json]) -> bytes:
    """Return one line of CSV (RFC 4180) in which no cell is a formula."""
    out = io.StringIO()
    csv.writer(out).writerow([_cell(value) for value in values])
    return out.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Json) -> str | int | float:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case str():
            return _defused(value)
        case _:
            return _defused(json.dumps(value, ensure_ascii=False))


def _defused(text: str) -> str:
    # Leading blanks are skipped by some programs before they look for a formula.
    is_formula = text.startswith(FORMULA_STARTS) or text.lstrip().startswith(
        FORMULA_STARTS
    )
    return f"'{text}" if is_formula else text

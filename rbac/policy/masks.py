"""How much of a cell is shown: itself, a part of it, a stand-in, or nothing.

A column of a grant is written `name` or `name:mask`. Masks are ordered by how little
they show, so that of several grants the least restrictive one wins.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

ENTRY: Final = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]{0,62})"
    r"(?::(?P<kind>null|hash|last4|bucket:"
    r"(?P<size>month|year|[0-9]{1,12}(?:\.[0-9]{1,6})?)))?"
)
PERIODS: Final = ("month", "year")


class MaskKind(IntEnum):
    """The kinds of masks, by how little they show."""

    PLAIN = 0
    BUCKET = 1
    LAST4 = 2
    HASH = 3
    NULL = 4


@dataclass(frozen=True, slots=True, order=True)
class Mask:
    """One mask; a smaller one shows more."""

    kind: MaskKind
    # Of buckets: the width of numbers, 1 for months and 2 for years.
    width: Decimal = Decimal(0)
    period: str = ""

    def __str__(self) -> str:
        if self.kind is MaskKind.BUCKET:
            return f"bucket:{self.period or self.width}"
        return "" if self.kind is MaskKind.PLAIN else self.kind.name.lower()


PLAIN: Final = Mask(MaskKind.PLAIN)
NOTHING: Final = Mask(MaskKind.NULL)


def unlimited(mask: Mask) -> Mask:
    """Return the mask: it counts as what it is."""
    return mask


class ColumnEntry(NamedTuple):
    """A column of a grant, and as what it is shown."""

    name: str
    mask: Mask


@lru_cache(maxsize=4096)
def parse_column(entry: str) -> ColumnEntry | None:
    """Return what `name` or `name:mask` says, None if it is neither."""
    found = ENTRY.fullmatch(entry)
    if found is None:
        return None
    mask = _mask(found["kind"], found["size"])
    return ColumnEntry(found["name"], mask) if mask is not None else None


def parse_mask(text: str) -> Mask | None:
    """Return the mask of this name, PLAIN for an empty one, None if there is none."""
    entry = parse_column(f"x:{text}" if text else "x")
    return entry.mask if entry else None


def columns_problem(columns: Collection[str], *, effect: str) -> str:
    """Say what is wrong with the columns of a grant; nothing if they are in order."""
    entries = [parse_column(text) for text in set(columns)]
    known = [entry for entry in entries if entry is not None]
    if len(known) < len(entries):
        return "Names of columns, each alone or as name:mask; or nothing for all."
    if len({entry.name for entry in known}) < len(known):
        return "A column is named twice."
    if effect != "allow" and any(entry.mask != PLAIN for entry in known):
        return "A deny hides columns; it does not mask them."
    return ""


def _mask(kind: str | None, size: str | None) -> Mask | None:
    if kind is None:
        return PLAIN
    if size is None:
        return Mask(MaskKind[kind.upper()])
    if size in PERIODS:
        return Mask(MaskKind.BUCKET, Decimal(PERIODS.index(size) + 1), size)
    width = Decimal(size)
    return Mask(MaskKind.BUCKET, width) if width > 0 else None


def mask_in(entries: frozenset[str] | None, column: str) -> Mask | None:
    """Return as what one grant shows the column, None if it does not cover it.

    Two entries of one grant for a column are refused when a role is kept; written past
    that, the stricter one counts.
    """
    if entries is None:
        return PLAIN
    masks = [e.mask for e in map(parse_column, entries) if e and e.name == column]
    return max(masks, default=None)


def hides(entries: frozenset[str] | None, column: str) -> bool:
    """Whether a deny covers the column; a mask in it changes nothing, read or not."""
    if entries is None:
        return True
    return any(entry.partition(":")[0] == column for entry in entries)

"""Counts as bars: drawn on the server, one link a bar, no script and no style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from auditlog.constants import OUTCOMES
from auditlog.pages.addresses import search_query
from auditlog.selectors import Bucket, Counts

WIDTH, HEIGHT = 720, 120
GAP: Final = 1.0


class Bar(NamedTuple):
    """One outcome's part of a column."""

    outcome: str
    y: str
    height: str


class Column(NamedTuple):
    """One bucket: its bars, what it says and where it leads."""

    x: str
    width: str
    bars: list[Bar]
    label: str
    query: str
    bucket: Bucket


class Chart(NamedTuple):
    """What the template draws."""

    columns: list[Column]
    total: int
    highest: int
    first: str
    last: str
    outcomes: tuple[str, ...] = OUTCOMES
    width: int = WIDTH
    height: int = HEIGHT


def draw(counts: Counts, words: Mapping[str, str]) -> Chart:
    """Return the chart of the counts; a column leads to its own span of time."""
    highest = max((bucket.total for bucket in counts.buckets), default=0)
    wide = WIDTH / max(len(counts.buckets), 1)
    columns = [
        Column(
            x=f"{number * wide:.2f}",
            width=f"{max(wide - GAP, 0.5):.2f}",
            bars=_bars(bucket, highest),
            label=_label(bucket),
            query=_narrowed(bucket, words),
            bucket=bucket,
        )
        for number, bucket in enumerate(counts.buckets)
    ]
    ends = f"{counts.since:%Y-%m-%d %H:%M}", f"{counts.until:%Y-%m-%d %H:%M}"
    return Chart(columns, counts.total, highest, *ends)


def _bars(bucket: Bucket, highest: int) -> list[Bar]:
    bars, top = [], float(HEIGHT)
    for outcome in OUTCOMES:
        number = bucket.outcomes[outcome]
        if number:
            # One event among thousands is still to be seen.
            height = max(number / highest * (HEIGHT - 8), 1.5)
            top -= height
            bars.append(Bar(outcome, f"{top:.2f}", f"{height:.2f}"))
    return bars


def _label(bucket: Bucket) -> str:
    parts = [f"{number} {name}" for name, number in bucket.outcomes.items() if number]
    return f"{bucket.since:%Y-%m-%d %H:%M} UTC: {', '.join(parts) or 'nothing'}"


def _narrowed(bucket: Bucket, words: Mapping[str, str]) -> str:
    span = {
        "since": f"{bucket.since:%Y-%m-%dT%H:%M}",
        "until": f"{bucket.until:%Y-%m-%dT%H:%M}",
    }
    return search_query({**words, **span})

"""Incidents per day as bars by severity: drawn on the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from auditlog.constants import SEVERITIES
from auditlog.selectors import Day

WIDTH, HEIGHT = 720, 120
GAP: Final = 2.0
# The worst is drawn lowest: its height is read against the axis.
WORST_FIRST: Final = tuple(reversed(SEVERITIES))


class Bar(NamedTuple):
    """One severity's part of a day."""

    severity: str
    y: str
    height: str


class Column(NamedTuple):
    """One day: its bars and what it says."""

    x: str
    width: str
    bars: list[Bar]
    label: str
    day: Day
    numbers: list[int]


class Chart(NamedTuple):
    """What the template draws."""

    columns: list[Column]
    total: int
    severities: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT


def draw(days: Sequence[Day]) -> Chart:
    """Return the chart of the days."""
    highest = max((day.total for day in days), default=0)
    wide = WIDTH / max(len(days), 1)
    shown = tuple(each for each in WORST_FIRST if any(day.counts[each] for day in days))
    columns = [
        Column(
            x=f"{number * wide:.2f}",
            width=f"{wide - GAP:.2f}",
            bars=_bars(day, highest),
            label=_label(day),
            day=day,
            numbers=[day.counts[each] for each in shown],
        )
        for number, day in enumerate(days)
    ]
    return Chart(columns, sum(day.total for day in days), shown)


def _bars(day: Day, highest: int) -> list[Bar]:
    bars, top = [], float(HEIGHT)
    for severity in WORST_FIRST:
        number = day.counts[severity]
        if number:
            height = number / highest * (HEIGHT - 8)
            top -= height
            bars.append(Bar(severity, f"{top:.2f}", f"{height:.2f}"))
    return bars


def _label(day: Day) -> str:
    parts = [f"{n} {name}" for name, n in reversed(day.counts.items()) if n]
    return f"{day.on:%Y-%m-%d}: {', '.join(parts) or 'none'}"

"""Somebody's days as bars and hours as a strip: drawn on the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from auditlog.constants import Metric
from auditlog.pages.addresses import search_query
from auditlog.selectors import HabitDay, Habits

WIDTH, HEIGHT = 720, 96
TOP, GAP = 8, 2.0
LEVELS: Final = 4
HOURS: Final = 24
# How each measure is called, and the events that it counts.
MEASURES: Final[tuple[tuple[Metric, str, str], ...]] = (
    ("queries", "Questions", "chatbot_query"),
    ("records", "Records read", "data_access"),
    ("denials", "Refusals", "authorization_denied"),
)


class Column(NamedTuple):
    """One day: its bar, what it says and where it leads."""

    x: str
    width: str
    y: str
    height: str
    label: str
    query: str


class Chart(NamedTuple):
    """One measure over the days, against its own highest."""

    metric: Metric
    title: str
    columns: list[Column]
    total: int
    highest: int
    # What is usual in a day: a number in words, and where its line lies.
    usual: str
    usual_y: str
    width: int = WIDTH
    height: int = HEIGHT


class Cell(NamedTuple):
    """One hour of the day: the more days, the stronger."""

    hour: int
    days: int
    x: str
    level: int


class Strip(NamedTuple):
    """The hours of the day; `said` is the strip in words."""

    cells: list[Cell]
    said: str
    wide: str = f"{WIDTH / HOURS - 1:.2f}"
    width: int = WIDTH
    height: int = 28


def draw_days(habits: Habits, pseudonym: UUID) -> list[Chart]:
    """Return a chart for each measure: their scales have nothing to do together."""
    return [_chart(habits, pseudonym, measure) for measure in MEASURES]


def draw_hours(hours: Sequence[int]) -> Strip:
    """Return the strip of the hours."""
    most = max(hours, default=0)
    wide = WIDTH / HOURS
    cells = [
        # One day among many is still to be seen.
        Cell(hour, days, f"{hour * wide:.2f}", -(-days * LEVELS // most) if days else 0)
        for hour, days in enumerate(hours)
    ]
    return Strip(cells, _said(cells))


def _chart(habits: Habits, pseudonym: UUID, measure: tuple[Metric, str, str]) -> Chart:
    metric, title, event_type = measure
    numbers = [day.counts[metric] for day in habits.days]
    usual = habits.usual.get(metric)
    highest = max(numbers)
    # The line of what is usual is seen on weeks that stay below it too.
    scale = max(highest, usual or 0) or 1
    wide = WIDTH / len(numbers)
    columns = []
    for place, (day, number) in enumerate(zip(habits.days, numbers, strict=True)):
        if number:
            height = max(_height(number, scale), 1.5)
            columns.append(
                Column(
                    x=f"{place * wide:.2f}",
                    width=f"{wide - GAP:.2f}",
                    y=f"{HEIGHT - height:.2f}",
                    height=f"{height:.2f}",
                    label=f"{day.on:%Y-%m-%d}: {number}",
                    query=_day_of(day, pseudonym, event_type),
                )
            )
    return Chart(
        metric,
        title,
        columns,
        sum(numbers),
        highest,
        usual="" if usual is None else f"{usual:.0f}",
        usual_y="" if usual is None else f"{HEIGHT - _height(usual, scale):.2f}",
    )


def _height(number: float, scale: float) -> float:
    return number / scale * (HEIGHT - TOP)


def _day_of(day: HabitDay, pseudonym: UUID, event_type: str) -> str:
    return search_query(
        {
            "actor": str(pseudonym),
            "type": event_type,
            "since": day.since.isoformat(),
            "until": day.until.isoformat(),
        }
    )


def _said(cells: Sequence[Cell]) -> str:
    """Return the hours that anything was done in, the busiest first."""
    there = sorted((cell for cell in cells if cell.days), key=lambda cell: -cell.days)
    if not there:
        return "Nothing yet"
    return ", ".join(f"{cell.hour:02}h ({cell.days})" for cell in there)

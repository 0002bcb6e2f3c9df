"""Which period a question means, and how it is said."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Container, Mapping
from datetime import date

from chat.interpretation import SlotValue

QUARTERS = (1, 2, 3, 4)
NAMED = ("year", "month", "quarter")
PERIOD = {*NAMED, "date_from", "date_to"}
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def with_year(
    slots: Mapping[str, SlotValue], taken: Container[str], *, today: date
) -> dict[str, SlotValue]:
    """Return the slots with the year meant by a quarter or month without one.

    “Q4” is the latest fourth quarter that has begun.
    """
    known = dict(slots)
    if "year" in known or "year" not in taken:
        return known
    first_month = _first_month(known, taken)
    if first_month is not None:
        known["year"] = today.year if first_month <= today.month else today.year - 1
    return known


def fitted(
    slots: Mapping[str, SlotValue], taken: Container[str], *, today: date
) -> dict[str, SlotValue]:
    """Return the slots with their period in the words that the query takes.

    A quarter or month becomes days where only days are taken, and days that are
    exactly a quarter or a year become that. Any other period stays as it is.
    """
    known = with_year(slots, NAMED, today=today)
    named = {name: known[name] for name in NAMED if name in known}
    rest = {name: value for name, value in slots.items() if name not in PERIOD}
    is_named = "year" in named and named.get("quarter", 1) in QUARTERS
    if is_named and "date_from" in taken and not any(name in taken for name in named):
        first, last = _days(named)
        return {**rest, "date_from": first.isoformat(), "date_to": last.isoformat()}
    is_days = "date_from" in slots and "date_from" not in taken
    if is_days and (whole := _whole(slots, taken)):
        return {**rest, **whole}
    return dict(slots)


def _days(named: Mapping[str, SlotValue]) -> tuple[date, date]:
    """Return the first and last day of a month, else a quarter, else a year."""
    year, month, quarter = (int(named.get(name, 0)) for name in NAMED)
    first, months = (month, 1) if month else (1, 12)
    if quarter and not month:
        first, months = quarter * 3 - 2, 3
    end = first + months - 1
    return date(year, first, 1), date(year, end, monthrange(year, end)[1])


def _whole(
    slots: Mapping[str, SlotValue], taken: Container[str]
) -> dict[str, SlotValue]:
    """Return the named period that the days are, among those that are taken."""
    days = str(slots.get("date_from")), str(slots.get("date_to"))
    year = int(days[0][:4])
    named = [{"year": year}, *({"year": year, "quarter": q} for q in range(1, 5))]
    named += [{"year": year, "month": month} for month in range(1, 13)]
    for period in named:
        first, last = _days(period)
        is_it = days == (first.isoformat(), last.isoformat())
        if is_it and all(name in taken for name in period):
            return dict(period)
    return {}


def _first_month(known: Mapping[str, SlotValue], taken: Container[str]) -> int | None:
    month, quarter = known.get("month"), known.get("quarter")
    if isinstance(month, int) and "month" in taken:
        return month
    if isinstance(quarter, int) and "quarter" in taken:
        return quarter * 3 - 2
    return None


def worded_period(parameters: Mapping[str, object]) -> str:
    """Return “Q4 2026”, “March 2025”, “2025”, “from 2026-03-01”, or nothing."""
    year, quarter = parameters.get("year"), parameters.get("quarter")
    month = parameters.get("month")
    parts = []
    if isinstance(month, int) and 1 <= month <= len(MONTHS):
        parts.append(MONTHS[month - 1])
    elif isinstance(quarter, int):
        parts.append(f"Q{quarter}")
    if isinstance(year, int):
        parts.append(str(year))
    since, until = parameters.get("date_from"), parameters.get("date_to")
    days = [f"{word} {day}" for word, day in (("from", since), ("to", until)) if day]
    return " ".join([*parts, *days])

"""Which period a question means, and how it is said."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import date

from chat.interpretation import SlotValue

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


def _first_month(known: Mapping[str, SlotValue], taken: Container[str]) -> int | None:
    month, quarter = known.get("month"), known.get("quarter")
    if isinstance(month, int) and "month" in taken:
        return month
    if isinstance(quarter, int) and "quarter" in taken:
        return quarter * 3 - 2
    return None


def worded_period(parameters: Mapping[str, object]) -> str:
    """Return “Q4 2026”, “March 2025”, “2025” or nothing."""
    year, quarter = parameters.get("year"), parameters.get("quarter")
    month = parameters.get("month")
    parts = []
    if isinstance(month, int) and 1 <= month <= len(MONTHS):
        parts.append(MONTHS[month - 1])
    elif isinstance(quarter, int):
        parts.append(f"Q{quarter}")
    if isinstance(year, int):
        parts.append(str(year))
    return " ".join(parts)

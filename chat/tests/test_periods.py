"""Periods in the words that a query takes."""

from datetime import date

import pytest

from chat.periods import fitted, worded_period

TODAY = date(2026, 11, 21)
DAYS = {"date_from", "date_to"}
NAMES = {"year", "quarter"}


@pytest.mark.parametrize(
    ("slots", "taken", "expected"),
    [
        (
            {"month": 10, "year": 2026},
            DAYS,
            {"date_from": "2026-10-01", "date_to": "2026-10-31"},
        ),
        (
            {"quarter": 1, "year": 2024},
            DAYS,
            {"date_from": "2024-01-01", "date_to": "2024-03-31"},
        ),
        ({"year": 2025}, DAYS, {"date_from": "2025-01-01", "date_to": "2025-12-31"}),
        ({"month": 12}, DAYS, {"date_from": "2025-12-01", "date_to": "2025-12-31"}),
        (
            {"date_from": "2025-01-01", "date_to": "2025-03-31", "region": "north"},
            NAMES,
            {"year": 2025, "quarter": 1, "region": "north"},
        ),
        (
            {"date_from": "2025-01-01", "date_to": "2025-12-31"},
            NAMES,
            {"year": 2025},
        ),
        # A month is no quarter, and a day is nothing but a day.
        ({"month": 3, "year": 2025}, NAMES, {"month": 3, "year": 2025}),
        ({"date_from": "2025-01-02"}, NAMES, {"date_from": "2025-01-02"}),
        ({"quarter": 7}, NAMES, {"quarter": 7}),
        ({"quarter": 7}, DAYS, {"quarter": 7}),
        ({"year": 1850}, DAYS, {"date_from": "1850-01-01", "date_to": "1850-12-31"}),
    ],
)
def test_a_period_is_said_as_the_query_takes_it(slots, taken, expected):
    assert fitted(slots, taken, today=TODAY) == expected


def test_days_are_worded():
    assert worded_period({"date_from": "2026-03-01"}) == "from 2026-03-01"

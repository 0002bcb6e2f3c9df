"""One calendar month, on every day of four years."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.deadlines import due_date
from privacy.tests.factories import moment


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-31T10:00:00+00:00", "2026-02-28T10:00:00+00:00"),
        ("2028-01-31T10:00:00+00:00", "2028-02-29T10:00:00+00:00"),
        ("2028-01-29T10:00:00+00:00", "2028-02-29T10:00:00+00:00"),
        ("2026-02-28T10:00:00+00:00", "2026-03-28T10:00:00+00:00"),
        ("2026-03-31T23:59:59+00:00", "2026-04-30T23:59:59+00:00"),
        ("2026-12-31T00:00:00+00:00", "2027-01-31T00:00:00+00:00"),
    ],
)
def test_it_is_due_one_calendar_month_later(received, due):
    assert due_date(moment(received)) == moment(due)


def test_every_day_of_four_years_is_due_in_the_next_month():
    day = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for _ in range(4 * 366):
        due = due_date(day)
        months = (due.year - day.year) * 12 + due.month - day.month
        last = monthrange(due.year, due.month)[1]

        assert months == 1
        assert due.day == min(day.day, last)
        day += timedelta(days=1)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_it_never_gives_more_than_a_month_nor_less_than_four_weeks(received):
    due = due_date(received)

    assert timedelta(days=28) <= due - received <= timedelta(days=31)
    assert due.timetz() == received.timetz()

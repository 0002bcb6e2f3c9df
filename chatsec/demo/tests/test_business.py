"""The demo organisation's business database."""

from datetime import date

import psycopg2
import pytest
from django.conf import settings

from chatsec.demo.business import quarters, seed_business
from chatsec.demo.workforce import REGIONS


@pytest.fixture
def reader(business):
    """Return a cursor of the read-only login."""
    url = business.replace("postgresql+psycopg2://", "postgresql://", 1)
    connection = psycopg2.connect(url)
    yield connection.cursor()
    connection.close()


def one(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchone()


def test_a_second_seeding_changes_nothing(business):
    assert seed_business(settings.BUSINESS_OWNER_DATABASE_URL, sales=2000) is False


def test_everybody_needed_is_there(reader):
    assert one(reader, "SELECT COUNT(*) >= 200 FROM employees") == (True,)
    assert one(reader, "SELECT COUNT(*) FROM sales") == (2000,)
    assert one(reader, "SELECT COUNT(DISTINCT region) FROM sales") == (len(REGIONS),)
    assert one(reader, "SELECT COUNT(*) FROM salaries") == one(
        reader, "SELECT COUNT(*) FROM employees"
    )
    assert one(reader, "SELECT team FROM employees WHERE username = 'alice'") == (
        "north-1",
    )
    assert one(reader, "SELECT manager FROM employees WHERE username = 'bob'") == (
        "Alice Morgan",
    )


def test_every_team_sells_in_every_quarter_by_enough_people(reader):
    reader.execute(
        "SELECT COUNT(DISTINCT seller_id) FROM sales GROUP BY team, year, quarter"
    )
    groups = [count for (count,) in reader.fetchall()]

    assert len(groups) == 8 * 12
    assert min(groups) >= 5


def test_the_reports_agree_with_the_sales(reader):
    reader.execute(
        "SELECT r.revenue, SUM(s.amount) FROM financial_reports r"
        " JOIN sales s USING (year, quarter) GROUP BY year, quarter, r.revenue"
    )

    for reported, sold in reader.fetchall():
        assert reported == sold


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sales",
        "UPDATE employees SET name = 'x'",
        "CREATE TABLE stolen (a integer)",
        "SET default_transaction_read_only = off; DELETE FROM sales",
    ],
)
def test_the_readers_login_cannot_write(reader, sql):
    with pytest.raises(psycopg2.Error):
        reader.execute(sql)


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 1, 1), (2023, 2), (2026, 1)),
        (date(2026, 11, 20), (2024, 1), (2026, 4)),
        (date(2024, 2, 29), (2021, 2), (2024, 1)),
        (date(2026, 12, 31), (2024, 1), (2026, 4)),
    ],
)
def test_twelve_quarters_end_with_the_present_one(today, first, last):
    found = quarters(today)

    assert len(found) == 12
    assert (found[0].year, found[0].number) == first
    assert (found[-1].year, found[-1].number) == last
    assert found[-1].ends_on == today
    assert all(one.starts_on <= one.ends_on for one in found)

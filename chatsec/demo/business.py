"""The demo organisation's own database, as a company would have one.

Everything in it is invented from a fixed seed. chatsec itself reads it through the
login `chatsec_business_ro`, which may only SELECT.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - invented figures, not secrets
from typing import NamedTuple

import psycopg2
from django.utils import timezone
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

from chatsec.demo.business_schema import SCHEMA, TABLES
from chatsec.demo.workforce import DEPARTMENTS, PAY, Employee, workforce

SEED = 20_240_115
VERSION = 1
READER = "chatsec_business_ro"
YEARS = 3
QUARTERS = 4 * YEARS
LOCK = 7_301_955
FEWEST_SALES = 600
PRODUCTS = {
    "Atlas Desk": 640,
    "Beacon Lamp": 75,
    "Cobalt Chair": 310,
    "Delta Monitor": 420,
    "Ember Keyboard": 95,
    "Falcon Webcam": 120,
    "Granite Dock": 180,
    "Harbor Headset": 140,
    "Indigo Shelf": 230,
    "Juniper Cabinet": 510,
}
CUSTOMERS = tuple(
    f"{first} {second}"
    for first in ("Alder", "Birch", "Cedar", "Dune", "Elm", "Fjord", "Glen", "Haven")
    for second in ("Logistics", "Foods", "Media", "Clinics", "Hotels", "Schools")
)
NOTES = (
    "Customer asked for delivery before the end of the month.",
    "Renewal expected, call again next quarter.",
    "Wants an offer for a second site.",
    "Discount agreed for paying in advance.",
    "Complaint about packaging, solved with a replacement.",
)
EXPENSES = ("Staff", "Travel", "Software", "Facilities")
Row = Sequence[object]


@dataclass(frozen=True)
class Quarter:
    """One calendar quarter, cut off at today."""

    year: int
    number: int
    starts_on: date
    ends_on: date


class Sale(NamedTuple):
    """One sale, in the order of the table's columns."""

    sale_id: int
    sold_on: date
    region: str
    team: str
    seller_id: int
    seller: str
    seller_username: str
    product: str
    customer: str
    quantity: int
    amount: Decimal
    discount: int


def seed_business(
    owner_url: str, *, sales: int = 20_000, today: date | None = None
) -> bool:
    """Fill the business database once per quarter; say whether anything was written.

    `owner_url` signs in as the owner of the database. Two seedings at once are safe:
    the second waits and finds the work done.
    """
    day = today or timezone.localdate()
    plan = f"{VERSION}:{sales}:{quarters(day)[-1].starts_on}"
    with closing(psycopg2.connect(_libpq(owner_url))) as connection, connection:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS seeding (plan text NOT NULL, at timestamptz"
            " NOT NULL DEFAULT now())"
        )
        cursor.execute("SELECT 1 FROM seeding WHERE plan = %s", [plan])
        if cursor.fetchone():
            return False
        cursor.execute(SCHEMA)
        _fill(connection, sales=max(sales, FEWEST_SALES), today=day)
        cursor.execute("DELETE FROM seeding")
        cursor.execute("INSERT INTO seeding (plan) VALUES (%s)", [plan])
        _let_reader_in(connection)
    return True


def quarters(today: date) -> list[Quarter]:
    """Return the twelve quarters that end with the present one, oldest first."""
    last = today.year * 4 + (today.month - 1) // 3
    return [_quarter(index, today) for index in range(last - QUARTERS + 1, last + 1)]


def _quarter(index: int, today: date) -> Quarter:
    year, place = divmod(index, 4)
    following_year, following = divmod(index + 1, 4)
    ends_on = date(following_year, following * 3 + 1, 1) - timedelta(days=1)
    starts_on = date(year, place * 3 + 1, 1)
    return Quarter(year, place + 1, starts_on, min(ends_on, today))


def _fill(connection: Connection, *, sales: int, today: date) -> None:
    random = Random(SEED)  # noqa: S311 - invented figures, not secrets
    people = workforce(random, today=today)
    sellers = [person for person in people if person.is_seller]
    periods = quarters(today)
    sold = list(_sales(random, sellers, periods, sales))
    _copy(connection, "employees", (astuple(person) for person in people))
    _copy(connection, "salaries", _salaries(random, people, today))
    _copy(connection, "performance_reviews", _reviews(random, people, periods))
    _copy(connection, "sales", sold)
    _copy(connection, "sales_notes", _notes(random, sold))
    _copy(connection, "sales_targets", _targets(random, sellers, periods, sold))
    _copy(connection, "financial_reports", _reports(random, periods, sold))
    _copy(connection, "expenses", _expenses(random, periods))


def _sales(
    random: Random, sellers: list[Employee], periods: list[Quarter], count: int
) -> Iterator[Sale]:
    """Yield sales; every seller sells in every quarter before chance takes over."""
    certain = [(seller, period) for period in periods for seller in sellers]
    for number in range(1, count + 1):
        if number <= len(certain):
            seller, period = certain[number - 1]
        else:
            seller, period = random.choice(sellers), random.choice(periods)
        days = (period.ends_on - period.starts_on).days
        article, price = random.choice(list(PRODUCTS.items()))
        quantity = random.randint(1, 30)
        discount = random.choice((0, 0, 0, 5, 10, 15))
        yield Sale(
            sale_id=number,
            sold_on=period.starts_on + timedelta(days=random.randint(0, days)),
            region=seller.region,
            team=seller.team,
            seller_id=seller.employee_id,
            seller=seller.name,
            seller_username=seller.username,
            product=article,
            customer=random.choice(CUSTOMERS),
            quantity=quantity,
            amount=Decimal(price * quantity * (100 - discount)) / 100,
            discount=discount,
        )


def _salaries(random: Random, people: list[Employee], today: date) -> Iterator[Row]:
    for person in people:
        lead = 1.4 if person.manager is None else 1.0
        amount = round(PAY[person.department] * lead * random.uniform(0.85, 1.25), -2)
        yield (
            person.employee_id,
            person.name,
            person.username,
            person.department,
            person.region,
            person.team,
            today.year,
            int(amount),
            "GBP",
        )


def _reviews(
    random: Random, people: list[Employee], periods: list[Quarter]
) -> Iterator[Row]:
    number = 0
    for person in people:
        for period in periods[-4:]:
            number += 1
            rating = random.choice((2, 3, 3, 4, 4, 5))
            yield (
                number,
                person.employee_id,
                person.name,
                person.username,
                person.department,
                person.region,
                person.team,
                period.year,
                period.number,
                rating,
                rating * 20 + random.randint(-8, 8),
                f"Rated {rating} of 5 for this quarter.",
            )


def _notes(random: Random, sold: list[Sale]) -> Iterator[Row]:
    for number, sale in enumerate(random.sample(sold, len(sold) // 12), start=1):
        yield (
            number,
            sale.sale_id,
            sale.sold_on,
            sale.region,
            sale.team,
            sale.seller,
            sale.seller_username,
            sale.product,
            sale.customer,
            random.choice(NOTES),
        )


def _targets(
    random: Random, sellers: list[Employee], periods: list[Quarter], sold: list[Sale]
) -> Iterator[Row]:
    reached: dict[tuple[int, int, int], Decimal] = {}
    for sale in sold:
        day = sale.sold_on
        key = (sale.seller_id, day.year, (day.month + 2) // 3)
        reached[key] = reached.get(key, Decimal(0)) + sale.amount
    typical = sum(reached.values(), Decimal(0)) / max(len(reached), 1)
    for seller in sellers:
        for period in periods:
            key = (seller.employee_id, period.year, period.number)
            target = round(typical * Decimal(random.choice(("0.9", "1.0", "1.1"))))
            yield (
                period.year,
                period.number,
                seller.region,
                seller.team,
                seller.employee_id,
                seller.name,
                target,
                reached.get(key, Decimal(0)),
            )


def _reports(random: Random, periods: list[Quarter], sold: list[Sale]) -> Iterator[Row]:
    for period in periods:
        within = [
            sale.amount
            for sale in sold
            if period.starts_on <= sale.sold_on <= period.ends_on
        ]
        revenue = sum(within, Decimal(0))
        cost = round(revenue * Decimal(random.randint(48, 56)) / 100, 2)
        running = round(revenue * Decimal(random.randint(20, 28)) / 100, 2)
        profit = revenue - cost - running
        yield (period.year, period.number, revenue, cost, running, profit)


def _expenses(random: Random, periods: list[Quarter]) -> Iterator[Row]:
    for period in periods:
        for department in ("Sales", *DEPARTMENTS):
            for category in EXPENSES:
                budget = random.randint(20, 200) * 1000
                spent = round(budget * random.uniform(0.8, 1.15), 2)
                yield (period.year, period.number, department, category, spent, budget)


def _copy(connection: Connection, table: str, rows: Iterable[Row]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(
        ["" if value is None else value for value in row] for row in rows
    )
    buffer.seek(0)
    columns = sql.SQL(", ").join(map(sql.Identifier, TABLES[table]))
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(
        sql.Identifier(table), columns
    )
    cursor = connection.cursor()
    cursor.copy_expert(statement, buffer)
    cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _let_reader_in(connection: Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER])
    if not cursor.fetchone():
        return
    role = sql.Identifier(READER)
    cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    for table in TABLES:
        name = sql.Identifier(table)
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(name, role))


def _libpq(url: str) -> str:
    """Return a SQLAlchemy URL as libpq reads it."""
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)

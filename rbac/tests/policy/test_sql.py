"""The closure and the SQL of a condition agree on every row, NULLs included."""

from __future__ import annotations

import re
from itertools import product

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from chatsec.core.context import AttributeValue
from rbac.policy import Bindings, parse_condition
from rbac.policy.sql import SqlWriter
from rbac.tests.policy import strategies as make

Row = dict[str, AttributeValue]
NOBODY = Bindings({}, {})
VALUES: list[list[AttributeValue]] = [
    [None, *make.TEXTS],
    [None, *make.TEXTS],
    [None, *make.NUMBERS],
    [None, 0, 1, -1, 2, 2**40],
    [None, True, False],
    [None, *make.TIMES],
]
ALL_ROWS: list[Row] = [
    dict(zip(make.COLUMNS, row, strict=True)) for row in product(*VALUES)
]


def _sample(count: int) -> list[Row]:
    """Return rows spread over all combinations; the stride meets no period."""
    return [ALL_ROWS[(number * 7919) % len(ALL_ROWS)] for number in range(count)]


def _fill(rows: list[Row]) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in make.SQL_TYPES.items())
    blanks = ", ".join(["%s"] * (len(make.COLUMNS) + 1))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE relation (number int, {columns})")
        cursor.executemany(
            f"INSERT INTO relation VALUES ({blanks})",
            [(number, *row.values()) for number, row in enumerate(rows)],
        )


def bound(sql: str) -> str:
    """Return the SQL with the placeholders of psycopg2."""
    return re.sub(r"CAST\(:(\w+) AS", r"CAST(%(\1)s AS", sql.replace("%", "%%"))


def _agrees(text: str, bindings: Bindings, rows: list[Row]) -> int:
    """Compare row by row; return how many answers were other than unknown."""
    condition = parse_condition(text)
    writer = SqlWriter(make.COLUMNS)
    where = writer.where(condition.root, bindings)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {bound(where)} FROM relation ORDER BY number", writer.params
        )
        found = [answer for (answer,) in cursor.fetchall()]

    expected = [condition.evaluate(bindings._replace(resource=row)) for row in rows]

    assert found == expected
    return sum(answer is not None for answer in found)


def _agree(examples: int, rows: list[Row]) -> tuple[int, int]:
    """Return how many pairs were compared, and how many of them had an answer."""
    _fill(rows)
    compared = [0, 0]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(make.conditions, make.bags, make.bags)
    def compare(text: str, user: Row, context: Row) -> None:
        answered = _agrees(text, Bindings(user, context), rows)
        compared[0] += len(rows)
        compared[1] += answered

    compare()
    return compared[0], compared[1]


# Where SQL and Python are known to think differently.
TRAPS = [
    'resource.name < "a"',
    "resource.name > resource.region",
    "resource.name <= user.accent",
    "resource.active ? resource.units > 0 : resource.units < 0",
    "resource.name == 'a' ? true : resource.active",
    "resource.name == 'a' ? user.nothing == 1 : true",
    "resource.active < true",
    "resource.active >= resource.active",
    "resource.active == 1",
    "resource.units == '1'",
    "resource.units == resource.amount",
    "resource.units == resource.name",
    "resource.units in [1, '1', 2.0, true]",
    "resource.name in ['a', resource.region, 1]",
    "resource.name in []",
    "!(resource.name in ['a'])",
    "resource.name.contains('%')",
    "resource.name.contains('_')",
    "resource.name.contains('\\\\')",
    "resource.name.contains('')",
    "resource.name.startsWith(resource.region)",
    "resource.name.endsWith('b')",
    "resource.name.endsWith('')",
    "resource.units.contains('1')",
    "user.accent.contains(resource.name)",
    "resource.name != 'a' && user.nothing == 1",
    "resource.name != 'a' || user.nothing == 1",
    "!(resource.active || user.nothing)",
    "has(resource.name) && !has(resource.nowhere)",
    "resource.nowhere == 1 || resource.active",
    "resource.amount == 1.50",
    "resource.amount > 99999999999999999",
    "resource.sold_at >= timestamp('2026-01-01T01:00:00+01:00')",
    "resource.sold_at == resource.units",
    "user.nul == resource.name",
    "resource.name == user.quote",
]


def test_it_orders_texts_by_code_point_whatever_the_columns_collation():
    writer = SqlWriter(make.COLUMNS)

    ordered = writer.where(parse_condition("resource.name < 'a'").root, NOBODY)
    equal = writer.where(parse_condition("resource.name == 'a'").root, NOBODY)

    assert ordered == '("name" COLLATE "C" < CAST(:scope_1 AS text))'
    assert "COLLATE" not in equal


@pytest.mark.django_db
def test_it_agrees_where_the_two_think_differently():
    rows = _sample(300)
    _fill(rows)
    user = {"accent": "é", "nul": "a\x00", "quote": "'"}

    for text in TRAPS:
        _agrees(text, Bindings(user, {}), rows)


@pytest.mark.django_db
def test_it_agrees_with_the_closure_on_every_row():
    compared, answered = _agree(400, _sample(40))

    assert compared >= 16_000
    assert answered > compared / 4


@pytest.mark.prove
@pytest.mark.django_db
def test_it_agrees_on_a_million_pairs():
    compared, answered = _agree(5000, _sample(200))

    assert compared >= 1_000_000
    assert answered > compared / 4

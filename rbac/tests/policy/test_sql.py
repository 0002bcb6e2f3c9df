"""The closure and the SQL of a condition agree on every row, NULLs included."""

from __future__ import annotations

import re
from itertools import product

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from rbac.policy import Bindings, parse_condition
from rbac.policy.sql import SqlWriter
from rbac.tests.policy import strategies as make

VALUES = [
    [None, *make.TEXTS],
    [None, *make.TEXTS],
    [None, *make.NUMBERS],
    [None, 0, 1, -1, 2, 2**40],
    [None, True, False],
    [None, *make.TIMES],
]
ALL_ROWS = [dict(zip(make.COLUMNS, row, strict=True)) for row in product(*VALUES)]


def _sample(count: int) -> list[dict[str, object]]:
    """Return rows spread over all combinations; the stride meets no period."""
    return [ALL_ROWS[(number * 7919) % len(ALL_ROWS)] for number in range(count)]


def _fill(rows: list[dict[str, object]]) -> None:
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


def _agree(examples: int, rows: list[dict[str, object]]) -> None:
    _fill(rows)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(make.conditions, make.bags, make.bags)
    def compare(text: str, user: dict, context: dict) -> None:
        bindings = Bindings(user, context)
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

    compare()


@pytest.mark.django_db
def test_it_agrees_with_the_closure_on_every_row():
    _agree(250, _sample(40))


@pytest.mark.prove
@pytest.mark.django_db
def test_it_agrees_on_a_million_pairs():
    _agree(5000, _sample(200))

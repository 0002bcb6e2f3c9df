"""A relation of people, and views of it through grants."""

from datetime import date
from functools import cache
from itertools import product

import sqlalchemy

from chat.datasets.checker import check_query
from chat.datasets.definitions import DatasetSpec
from chat.datasets.errors import ColumnRefused
from chat.datasets.rewriter import DatasetView, bind_query, view_sql
from chat.stages.judgement import _view
from rbac.policy import Bindings, Question, grant
from rbac.policy.decisions import Held
from rbac.policy.scopes import scope_of

TYPES = {
    "number": "integer",
    "region": "text",
    "team": "text",
    "salary": "integer",
    "account": "text",
    "hired_on": "date",
}


def spec_with(**masks):
    """Return the dataset, with a mask for some of its columns."""
    columns = [
        {
            "name": name,
            "type": kind,
            "classification": "internal",
            "mask": masks.get(name, ""),
        }
        for name, kind in TYPES.items()
    ]
    return DatasetSpec.of("staff", relation="staff", columns=columns)


ROWS = [
    dict(zip(TYPES, (number, *row, account, hired), strict=True))
    for number, (row, account, hired) in enumerate(
        zip(
            product([None, "north", "south"], [None, "n1", "s1"], [None, 54_321, -70]),
            ["DE89370400440532", "short", None] * 9,
            [date(2024, 2, 29), None, date(1999, 12, 31)] * 9,
            strict=True,
        )
    )
]
USER = {"region": "north", "team": "n1"}


def view_of(lines, context, spec):
    """Return what these grants leave of the dataset."""
    held = [Held(grant("role", "read", **one), ("role",)) for one in lines]
    scope = scope_of(held, Question("read", Bindings(USER, context), False))
    return _view(scope, spec, hidden=frozenset())


@cache
def everything(spec):
    """Return the query for every column, as checked."""
    return check_query(
        f"SELECT {', '.join(TYPES)} FROM staff",
        datasets={"staff": spec},
        parameters=frozenset(),
    )


def fetched(connection, spec, view):
    """Return the rows that are shown, each with its number."""
    checked = everything(spec)
    try:
        bound = bind_query(checked, views={"staff": view}, parameters={}, max_rows=1000)
    except ColumnRefused:
        return []
    # The number is needed to know which row it is; it is not a cell of the test.
    whole = view_sql(spec, DatasetView(view.rows, {"number": None}))
    numbers = [
        row[0]
        for row in connection.execute(
            sqlalchemy.text(f"SELECT number FROM {whole} AS s"), bound.parameters
        )
    ]
    found = connection.execute(sqlalchemy.text(bound.sql), bound.parameters)
    names = list(found.keys())
    return [
        (number, dict(zip(names, row, strict=True)))
        for number, row in zip(numbers, found, strict=True)
    ]

"""What is masked decides nothing: neither rows, nor their order, nor a figure."""

from decimal import Decimal

import pytest
import sqlalchemy

from chat.datasets.checker import check_query
from chat.datasets.errors import ColumnRefused
from chat.datasets.rewriter import DatasetView, MaskedLayer, bind_query
from chat.tests.datasets.staff import ROWS, spec_with
from rbac.policy.masks import Mask, MaskKind

# salary is masked for the attacker; nothing here may depend on it.
VIEW = DatasetView(
    None,
    dict.fromkeys(["number", "region", "team", "account", "hired_on"]),
    {"salary": (MaskedLayer(Mask(MaskKind.BUCKET, Decimal(100_000)), None),)},
)
REFUSED = {
    "a parameter": "SELECT number FROM staff WHERE salary >= :amount",
    "a literal": "SELECT number FROM staff WHERE salary > 50000",
    "a test of null": "SELECT number FROM staff WHERE salary IS NULL",
    "arithmetic": "SELECT number FROM staff WHERE salary - 50000 > 0",
    "a division by zero": "SELECT number FROM staff WHERE 1 / (salary - 54321) = 1",
    "a cast": "SELECT number FROM staff WHERE CAST(salary AS text) = '54321'",
    "a choice": "SELECT number FROM staff WHERE CASE WHEN salary > 1 THEN TRUE END",
    "a list": "SELECT number FROM staff WHERE salary IN (54321, 54322)",
    "order": "SELECT number FROM staff ORDER BY salary",
    "order by a name for it": "SELECT salary AS s FROM staff ORDER BY s",
    "order by what is made of it": "SELECT salary * 2 AS s FROM staff ORDER BY s",
    "a group": "SELECT COUNT(*) AS n FROM staff GROUP BY salary",
    "a join": "SELECT a.number FROM staff AS a JOIN staff AS b ON a.salary = b.number",
    "a sum alone": "SELECT SUM(salary) AS s FROM staff",
    "a maximum alone": "SELECT MAX(salary) AS s FROM staff",
    "distinct values": "SELECT COUNT(DISTINCT salary) AS s FROM staff",
    "a step": "SELECT CASE WHEN salary > 50000 THEN 1 ELSE 0 END AS s FROM staff",
}


def bound_for_attacker(sql):
    parameters = {"amount": 50_000} if ":amount" in sql else {}
    checked = check_query(
        sql, datasets={"staff": spec_with()}, parameters=frozenset(parameters)
    )
    return bind_query(
        checked, views={"staff": VIEW}, parameters=parameters, max_rows=100
    )


@pytest.mark.parametrize("attack", REFUSED)
def test_a_masked_column_cannot_be_bisected(attack):
    with pytest.raises(ColumnRefused, match="not available"):
        bound_for_attacker(REFUSED[attack])


OPTIONAL = (
    "SELECT number FROM staff WHERE (:amount IS NULL OR salary >= :amount)"
    " AND (:region IS NULL OR region = :region)"
)


def optional(**parameters):
    checked = check_query(
        OPTIONAL,
        datasets={"staff": spec_with()},
        parameters=frozenset({"amount", "region"}),
    )
    return bind_query(
        checked, views={"staff": VIEW}, parameters=parameters, max_rows=100
    )


def test_a_filter_that_is_not_asked_for_decides_nothing(staff):
    bound = optional(region="north")

    found = staff.execute(sqlalchemy.text(bound.sql), bound.parameters).fetchall()
    assert len(found) == sum(row["region"] == "north" for row in ROWS)
    assert len(staff.execute(sqlalchemy.text(optional().sql)).fetchall()) == len(ROWS)


@pytest.mark.parametrize("amount", [0, 1, -1, 50_000])
def test_one_that_is_asked_for_is_refused(amount):
    with pytest.raises(ColumnRefused):
        optional(amount=amount, region="north")


@pytest.mark.parametrize(
    "where",
    [
        ":amount IS NULL OR salary > 1 AND number = :amount",
        "salary > 1 AND (:amount IS NULL OR number = :amount)",
        "(:amount IS NOT NULL OR salary > 1)",
        "NOT (:amount IS NULL OR salary > 1)",
        "(number IS NULL OR salary > :amount)",
    ],
)
def test_only_filters_that_are_true_of_every_row_are_left_out(where):
    checked = check_query(
        f"SELECT number FROM staff WHERE {where}",
        datasets={"staff": spec_with()},
        parameters=frozenset({"amount"} if ":amount" in where else ()),
    )
    views = {"staff": VIEW}
    if where.startswith(":amount IS NULL OR"):  # true of every row
        assert bind_query(checked, views=views, parameters={}, max_rows=9)
        return

    with pytest.raises(ColumnRefused):
        bind_query(checked, views=views, parameters={}, max_rows=9)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT region, SUM(salary) AS s FROM staff GROUP BY region ORDER BY region",
        "SELECT region, salary * 1 AS s FROM staff",
        "SELECT region, CASE WHEN salary > 50000 THEN 1 ELSE 0 END AS s FROM staff",
        "SELECT region, COALESCE(salary, 0) AS s FROM staff",
    ],
)
def test_what_is_reckoned_from_a_masked_column_is_left_out(sql):
    bound = bound_for_attacker(sql)

    assert [output.name for output in bound.outputs] == ["region"]


def test_the_database_itself_sends_the_masked_form(staff):
    bound = bound_for_attacker("SELECT number, salary FROM staff")

    cells = {row[1] for row in staff.execute(sqlalchemy.text(bound.sql))}
    assert {cell if cell is None else int(cell) for cell in cells} == {
        None,
        0,
        -100_000,
    }

"""Grants as rows and columns: a cell is visible if one grant covers both."""

from __future__ import annotations

from itertools import product

import pytest
import sqlglot
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbac.policy import Bindings, Question, grant
from rbac.policy.decisions import Held
from rbac.policy.scopes import scope_of
from rbac.policy.values import Kind
from rbac.tests.policy.test_sql import bound

COLUMNS = {"region": Kind.TEXT, "team": Kind.TEXT, "amount": Kind.NUMBER}
USER = {"region": "north", "team": "n1"}
OWN_REGION = "resource.region == user.region"
OWN_TEAM = "resource.team == user.team"


def scope(*lines, user=USER, context=None, stepped_up=False):
    held = [Held(grant("role", "read", **line), ("role",)) for line in lines]
    return scope_of(held, Question("read", Bindings(user, context or {}), stepped_up))


def test_it_shows_nothing_without_grants():
    assert scope().to_sql(COLUMNS).sql == "FALSE"
    assert scope().is_empty
    assert scope().visible_columns(COLUMNS) == ()


def test_it_shows_everything_for_a_plain_grant():
    plain = scope({})

    assert plain.to_sql(COLUMNS).sql == "TRUE"
    assert plain.visible_columns(COLUMNS) == ("region", "team", "amount")


def test_it_binds_values_and_quotes_names():
    where = scope({"row_filter": OWN_REGION}).to_sql(COLUMNS, prefix="mine")

    assert where.sql == '(("region" = CAST(:mine_1 AS text)))'
    assert where.params == {"mine_1": "north"}


def test_it_ors_grants_and_takes_denies_away():
    where = scope(
        {"row_filter": OWN_REGION},
        {"row_filter": OWN_TEAM},
        {"effect": "deny", "row_filter": "resource.amount > 100"},
    ).to_sql(COLUMNS)

    assert where.sql == (
        '(("region" = CAST(:scope_1 AS text)) OR ("team" = CAST(:scope_2 AS text)))'
        ' AND (("amount" > CAST(:scope_3 AS bigint))) IS FALSE'
    )


@pytest.mark.parametrize("name", ["region", 'reg"ion', "x; DROP TABLE sales --"])
def test_it_lets_no_name_into_the_text_but_the_given_ones(name):
    where = scope({"row_filter": OWN_REGION}).to_sql([name])

    parsed = sqlglot.parse_one(f"SELECT 1 WHERE {where.sql}", dialect="postgres")
    assert len(list(parsed.find_all(sqlglot.exp.Column))) == (name == "region")


def test_it_covers_nothing_by_a_filter_on_another_column_and_denies_everything():
    other = {"row_filter": "resource.secret == false"}

    assert scope(other).to_sql(COLUMNS).sql == "(CAST(NULL AS boolean))"
    assert scope({}, {"effect": "deny", **other}).to_sql(COLUMNS).sql == (
        "TRUE AND (CAST(NULL AS boolean)) IS FALSE"
    )


def test_it_shows_nothing_to_somebody_without_a_region():
    where = scope({"row_filter": OWN_REGION}, user={"region": None}).to_sql(COLUMNS)

    assert where.sql == "(CAST(NULL AS boolean))"
    assert where.params == {}


def test_it_settles_contextual_conditions_first():
    by_day = {"condition": "context.hour < 18"}
    deny = {"effect": "deny", "condition": "context.hour >= 18"}

    assert scope(by_day, context={"hour": 17}).to_sql(COLUMNS).sql == "TRUE"
    assert scope(by_day, context={"hour": 18}).is_empty
    assert scope(by_day).is_empty
    assert not scope({}, deny, context={"hour": 17}).is_empty
    assert scope({}, deny, context={"hour": 18}).is_empty
    assert scope({}, deny).is_empty


def test_it_turns_conditions_on_the_resource_into_row_filters():
    where = scope({"condition": OWN_REGION, "row_filter": OWN_TEAM}).to_sql(COLUMNS)

    assert '"region" =' in where.sql
    assert " AND " in where.sql


def test_it_counts_step_up_grants_only_after_a_step_up():
    line = {"requires_step_up": True}

    assert scope(line).is_empty
    assert not scope(line, stepped_up=True).is_empty


def test_it_names_only_columns_that_every_visible_row_may_show():
    mixed = scope(
        {"columns": ["region"]},
        {"row_filter": OWN_TEAM, "columns": ["region", "team"]},
        {"row_filter": OWN_TEAM, "columns": ["amount"]},
        {"effect": "deny", "columns": ["amount"]},
    )

    assert mixed.visible_columns(COLUMNS) == ("region",)
    assert mixed.partly_visible_columns(COLUMNS) == ("team",)
    assert mixed.column_sql("team", COLUMNS).sql == (
        '(("team" = CAST(:cell_1 AS text)))'
    )
    assert mixed.column_sql("amount", COLUMNS).sql == "FALSE"


LINES = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["allow", "allow", "deny"]),
        "condition": st.sampled_from(["", "", OWN_REGION, "context.yes", "context.no"]),
        "row_filter": st.sampled_from(
            ["", OWN_REGION, OWN_TEAM, "resource.amount > 1"]
        ),
        "columns": st.sampled_from([None, None, ["amount"], ["team", "region"]]),
    }
)
ROWS = [
    dict(zip(COLUMNS, row, strict=True))
    for row in product([None, "north", "south"], [None, "n1", "s1"], [None, 1, 2])
]


def _visible_cell(lines, row, column, context):
    """Decide one cell straight from the rule, without any of the code under test."""
    same = {
        "": True,
        OWN_REGION: None if row["region"] is None else row["region"] == "north",
        OWN_TEAM: None if row["team"] is None else row["team"] == "n1",
        "resource.amount > 1": None if row["amount"] is None else row["amount"] > 1,
        "context.yes": context["yes"],
        "context.no": context["no"],
    }
    shown = False
    for line in lines:
        holds = [same[line["condition"]], same[line["row_filter"]]]
        covers = line["columns"] is None or column in line["columns"]
        if line["effect"] == "allow" and covers and holds == [True, True]:
            shown = True
    for line in lines:
        holds = [same[line["condition"]], same[line["row_filter"]]]
        covers = line["columns"] is None or column in line["columns"]
        if line["effect"] == "deny" and covers and False not in holds:
            return False
    return shown


@pytest.mark.django_db
def test_it_shows_no_cell_that_no_single_grant_covers():
    values = ", ".join(["(%s, %s, %s, %s)"] * len(ROWS))
    parameters = [v for n, row in enumerate(ROWS) for v in (n, *row.values())]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE cells (n int, region text, team text, amount bigint)"
        )
        cursor.execute(f"INSERT INTO cells VALUES {values}", parameters)

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(LINES, max_size=4), st.booleans())
    def compare(lines, flag):
        context = {"yes": flag, "no": not flag}
        found = scope(*lines, context=context)
        everywhere = found.visible_columns(COLUMNS)
        rows = _numbers(found.to_sql(COLUMNS))
        for column in COLUMNS:
            truth = {
                n
                for n, row in enumerate(ROWS)
                if _visible_cell(lines, row, column, context)
            }
            cells = _numbers(found.column_sql(column, COLUMNS))
            assert cells == truth
            assert cells <= rows
            if column in everywhere:
                assert rows == cells

    compare()


def _numbers(where):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT n FROM cells WHERE {bound(where.sql)}", where.params)
        return {n for (n,) in cursor.fetchall()}

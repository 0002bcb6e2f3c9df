"""Whatever is written as SQL is either refused or reads the given datasets only."""

import re

import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from chat.datasets.checker import check_query
from chat.datasets.errors import QueryRefused
from chat.datasets.rewriter import Condition, DatasetView, bind_query
from chat.tests.datasets.test_checker import DATASETS

WORDS = re.findall(
    r"\S+",
    """
    SELECT FROM WHERE GROUP BY ORDER LIMIT JOIN LEFT ON AS AND OR NOT IN IS NULL
    BETWEEN CASE WHEN THEN ELSE END CAST COUNT SUM AVG DISTINCT UNION WITH HAVING
    INTO FOR UPDATE LATERAL VALUES TABLE OVER FILTER EXISTS ALL ANY ARRAY ROW
    region team seller amount sales people name id s secrets pg_class ctid
    pg_sleep current_user version lower integer text regclass 1 2 0 'x' '' :a :b
    ( ) ( ) , . = <> < > + - * / || :: ; -- /* */ $$ " \\ % TRUE
    """,
)
LIKELY = st.sampled_from(
    [
        "SELECT region FROM sales",
        "SELECT COUNT(*) AS n FROM sales",
        "SELECT s.region FROM sales AS s",
        "SELECT region, SUM(amount) AS a FROM sales GROUP BY region",
    ]
)
HIDDEN = Condition('"region" = :scope_1', {"scope_1": "north"})
VIEWS = {
    name: DatasetView(HIDDEN, dict.fromkeys(spec.names))
    for name, spec in DATASETS.items()
}


def sentences():
    tail = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
    return st.one_of(
        st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join),
        st.tuples(LIKELY, tail).map(" ".join),
        st.text(max_size=60),
    )


@settings(max_examples=400, deadline=None)
@given(sentences())
def test_it_is_refused_or_reads_the_views_only(sql):
    named = frozenset(name for name in ("a", "b") if f":{name}" in sql)
    try:
        checked = check_query(sql, datasets=DATASETS, parameters=named)
        bound = bind_query(checked, views=VIEWS, parameters={}, max_rows=5)
    except QueryRefused:
        return

    readable = re.sub(r"(?<!:):([a-z_0-9]+)", r"'\1'", bound.sql)
    tree = sqlglot.parse_one(readable, dialect="postgres")
    tables = {table.sql(dialect="postgres") for table in tree.find_all(exp.Table)}
    assert tables <= {'"sales" AS "base"', '"hr"."people" AS "base"'}
    for select in tree.find_all(exp.Select):
        if select is not tree:
            assert "'scope_1'" in select.args["where"].sql()

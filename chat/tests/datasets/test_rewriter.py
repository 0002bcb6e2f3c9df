"""Every dataset of a query is replaced by what its reader may see of it."""

import pytest
from django.conf import settings

from chat.datasets.checker import check_query
from chat.datasets.errors import (
    DefinitionRefused,
    QueryRefused,
    SourceTimeout,
    SourceUnavailable,
)
from chat.datasets.rewriter import BoundQuery, Condition, DatasetView, bind_query
from chat.datasets.sources import Sources, make_engine, parse_source_url, run
from chat.tests.datasets.test_checker import DATASETS, SALES

NORTH = Condition('"region" = :scope_1', {"scope_1": "north"})


def view(rows=None, columns=SALES.names, **conditions):
    return {"sales": DatasetView(rows, {**dict.fromkeys(columns), **conditions})}


def bound(sql, views, parameters=None, *, aggregate_only="", max_rows=1000):
    checked = check_query(
        sql,
        datasets=DATASETS,
        parameters=frozenset(parameters or ()),
        aggregate_only=aggregate_only,
    )
    return bind_query(
        checked, views=views, parameters=parameters or {}, max_rows=max_rows
    )


@pytest.fixture
def engine(business):
    made = make_engine(business)
    yield made
    made.dispose()


def fetch(engine, query, *, max_rows=1000, timeout_ms=2000):
    return run(engine, query, timeout_ms=timeout_ms, max_rows=max_rows)


def test_rows_outside_the_filter_do_not_exist(engine):
    query = bound("SELECT region, seller FROM sales", view(NORTH))

    found = fetch(engine, query)

    assert found.rows
    assert {row[0] for row in found.rows} == {"north"}


def test_the_filter_cannot_be_widened_by_the_query(engine):
    query = bound(
        "SELECT region FROM sales WHERE region = 'south' OR TRUE", view(NORTH)
    )

    assert {row[0] for row in fetch(engine, query).rows} == {"north"}


def test_every_reference_is_replaced(engine):
    sql = (
        "SELECT a.region, b.region AS other FROM sales AS a"
        " JOIN sales AS b ON b.team = a.team LIMIT 50"
    )

    found = fetch(engine, bound(sql, view(NORTH)))

    assert {cell for row in found.rows for cell in row} == {"north"}


def test_a_hidden_column_is_left_out_of_the_answer(engine):
    query = bound("SELECT region, seller FROM sales", view(columns={"region"}))

    assert fetch(engine, query).columns == ("region",)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT region FROM sales WHERE seller = 'x'",
        "SELECT region FROM sales ORDER BY seller",
        "SELECT region, COUNT(*) AS n FROM sales GROUP BY region, seller",
        "SELECT seller FROM sales",
    ],
)
def test_a_hidden_column_that_decides_refuses_the_query(sql):
    with pytest.raises(QueryRefused):
        bound(sql, view(columns={"region"}))


def test_a_cell_is_shown_only_where_one_grant_covers_row_and_column(engine):
    query = bound("SELECT region, seller FROM sales", view(seller=NORTH))

    rows = fetch(engine, query).rows

    assert any(seller for region, seller in rows if region == "north")
    assert not any(seller for region, seller in rows if region != "north")


def test_values_are_bound_and_never_written(engine):
    query = bound(
        "SELECT region FROM sales WHERE region = :region",
        view(),
        {"region": "x' OR '1'='1"},
    )

    assert "OR '1'" not in query.sql
    assert fetch(engine, query).rows == ()


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("SELECT SUM(amount) AS total FROM sales", "amount"),
        ("SELECT COUNT(*) AS n FROM sales WHERE product = 'x'", "product"),
    ],
)
def test_an_aggregate_takes_no_column_that_only_some_rows_show(sql, column):
    with pytest.raises(QueryRefused):
        bound(sql, view(**{column: NORTH}), aggregate_only="yes")


def test_an_aggregate_counts_persons(engine):
    query = bound(
        "SELECT region, SUM(amount) AS total FROM sales GROUP BY region",
        view(),
        aggregate_only="yes",
    )

    found = fetch(engine, query)

    assert found.columns == ("region", "total", "counted_persons")
    assert {row[2] for row in found.rows} == {14}


def test_it_fetches_one_row_more_than_it_shows_and_says_so(engine):
    query = bound("SELECT region FROM sales", view(), max_rows=3)

    found = fetch(engine, query, max_rows=3)

    assert len(found.rows) == 3
    assert found.is_cut
    assert query.sql.endswith("LIMIT 4")


def test_a_limit_of_the_query_can_only_lower_the_cap():
    assert bound("SELECT region FROM sales LIMIT 2", view()).sql.endswith("LIMIT 2")
    assert bound("SELECT region FROM sales LIMIT 9999", view()).sql.endswith(
        "LIMIT 1001"
    )


def plain(sql):
    return BoundQuery(sql, {}, (), counts_persons=False, source_datasets=())


def test_a_slow_statement_is_stopped(engine):
    with pytest.raises(SourceTimeout):
        fetch(engine, plain("SELECT pg_sleep(5)"), timeout_ms=50)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sales",
        "CREATE TABLE stolen (a integer)",
        "SELECT set_config('transaction_read_only', 'off', true); DELETE FROM sales",
    ],
)
def test_nothing_can_be_written_even_by_raw_sql(engine, sql):
    with pytest.raises(SourceUnavailable):
        fetch(engine, plain(sql))


def test_even_an_owners_login_only_reads(business):
    engine = make_engine(settings.BUSINESS_OWNER_DATABASE_URL)

    with pytest.raises(SourceUnavailable):
        fetch(engine, plain("DELETE FROM expenses RETURNING year"))
    engine.dispose()


def test_nothing_of_one_query_is_left_for_the_next(engine):
    # Neither of them ends with the transaction.
    fetch(engine, plain("SELECT pg_advisory_lock(4711) IS NULL"))
    held = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"

    assert fetch(engine, plain(held)).rows == ((0,),)
    assert fetch(engine, plain("SHOW statement_timeout")).rows == (("2s",),)


def test_an_unreachable_source_is_unavailable():
    engine = make_engine("postgresql://nobody:x@127.0.0.1:1/nothing")

    with pytest.raises(SourceUnavailable):
        fetch(engine, plain("SELECT 1"))


def test_an_engine_is_made_once_for_each_url(business):
    sources = Sources()

    first = sources.engine("a", business)

    assert sources.engine("a", business) is first
    assert sources.engine("a", f"{business}&application_name=x") is not first


def test_a_forked_process_does_not_share_its_parents_connections(business):
    sources = Sources()
    engine = sources.engine("a", business)

    sources.forget()

    assert sources.engine("a", business) is not engine
    assert fetch(engine, plain("SELECT 1")).rows == ((1,),)


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite:///x", "postgresql://host"])
def test_it_refuses_urls_that_are_no_postgresql_database(url):
    with pytest.raises(DefinitionRefused):
        parse_source_url(url)

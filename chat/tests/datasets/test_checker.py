"""What query SQL may say: everything that is not listed is refused."""

import pytest

from chat.datasets.checker import check_query
from chat.datasets.definitions import DatasetSpec
from chat.datasets.errors import DefinitionRefused, QueryRefused


def columns(*names, classification="internal", kind="text"):
    return [
        {"name": name, "type": kind, "classification": classification} for name in names
    ]


SALES = DatasetSpec.of(
    "sales",
    relation="sales",
    columns=[
        *columns("region", "team", "seller", "product"),
        *columns("sale_id", "seller_id", "quarter", "amount", kind="integer"),
        *columns("sold_on", kind="date"),
    ],
    person_column="seller_id",
)
PEOPLE = DatasetSpec.of(
    "people", relation="hr.people", columns=columns("id", "name", "region")
)
DATASETS = {"sales": SALES, "people": PEOPLE}

HOSTILE = [
    # other statements
    "DELETE FROM sales",
    "UPDATE sales SET region = 'x'",
    "INSERT INTO sales (region) VALUES ('x')",
    "DROP TABLE sales",
    "TRUNCATE sales",
    "COPY sales TO STDOUT",
    "CALL something()",
    "SET ROLE postgres",
    "VALUES (1)",
    "TABLE sales",
    "EXPLAIN SELECT region FROM sales",
    "SELECT region FROM sales; DROP TABLE sales",
    "SELECT region FROM sales;",
    "",
    "SELECT",
    "SELEC region FROM sales",
    # other relations
    "SELECT region FROM secrets",
    "SELECT region FROM pg_class",
    "SELECT region FROM pg_catalog.pg_class",
    "SELECT region FROM public.sales",
    "SELECT region FROM information_schema.tables",
    'SELECT region FROM "sales"',
    "SELECT 1 AS one",
    "SELECT region FROM sales, people",
    "SELECT name FROM generate_series(1, 10) AS name",
    "SELECT region FROM LATERAL sales",
    "SELECT region FROM ONLY sales",
    "SELECT region FROM sales TABLESAMPLE SYSTEM (10)",
    # queries within the query
    "SELECT (SELECT name FROM people) AS name FROM sales",
    "SELECT region FROM (SELECT region FROM sales) AS inner_one",
    "WITH sales AS (SELECT 1) SELECT region FROM sales",
    "SELECT region FROM sales UNION SELECT name FROM people",
    "SELECT region FROM sales EXCEPT SELECT name FROM people",
    "SELECT region FROM sales WHERE region IN (SELECT name FROM people)",
    "SELECT region FROM sales WHERE EXISTS (SELECT 1 FROM people)",
    # whole rows and columns that are no columns
    "SELECT * FROM sales",
    "SELECT sales.* FROM sales",
    "SELECT sales FROM sales",
    "SELECT s FROM sales AS s",
    "SELECT (s).region AS region FROM sales AS s",
    "SELECT COUNT(s) AS number FROM sales AS s",
    "SELECT region FROM sales AS region",
    "SELECT ctid FROM sales",
    "SELECT xmin FROM sales",
    "SELECT tableoid FROM sales",
    "SELECT password FROM sales",
    "SELECT people.name FROM sales",
    "SELECT region FROM sales AS s (a, b)",
    # functions and operators
    "SELECT pg_sleep(10) AS a FROM sales",
    "SELECT pg_read_file('x') AS a FROM sales",
    "SELECT current_user AS a FROM sales",
    "SELECT session_user AS a FROM sales",
    "SELECT version() AS a FROM sales",
    "SELECT current_setting('x') AS a FROM sales",
    "SELECT set_config('statement_timeout', '0', false) AS a FROM sales",
    "SELECT pg_catalog.lower(region) AS a FROM sales",
    "SELECT dblink('x', 'y') AS a FROM sales",
    "SELECT lo_import('x') AS a FROM sales",
    "SELECT query_to_xml('SELECT 1', true, true, '') AS a FROM sales",
    "SELECT row_to_json(sales) AS a FROM sales",
    "SELECT STRING_AGG(seller, ',') AS a FROM sales",
    "SELECT ARRAY_AGG(seller) AS a FROM sales",
    "SELECT SUM(amount) OVER () AS a FROM sales",
    "SELECT COUNT(*) FILTER (WHERE TRUE) AS a FROM sales",
    "SELECT region FROM sales WHERE region LIKE 'n%'",
    "SELECT region FROM sales WHERE region ~ 'n'",
    "SELECT region FROM sales WHERE region ILIKE :region",
    "SELECT CAST(region AS regclass) AS a FROM sales",
    "SELECT region::xml AS a FROM sales",
    "SELECT amount % 2 AS a FROM sales",
    # clauses
    "SELECT region FROM sales FOR UPDATE",
    "SELECT region INTO stolen FROM sales",
    "SELECT DISTINCT region FROM sales",
    "SELECT region FROM sales GROUP BY region HAVING COUNT(*) > 1",
    "SELECT region FROM sales OFFSET 5",
    "SELECT region FROM sales FETCH FIRST 1 ROWS ONLY",
    "SELECT region FROM sales NATURAL JOIN people",
    "SELECT sales.region FROM sales CROSS JOIN people",
    "SELECT sales.region FROM sales JOIN people USING (region)",
    "SELECT sales.region FROM sales RIGHT JOIN people ON TRUE",
    "SELECT region FROM sales JOIN people ON TRUE",  # whose region?
    "SELECT a.region FROM sales AS a JOIN sales AS a ON TRUE",
    "SELECT 1 AS one FROM sales:a",
    "SELECT S.region FROM sales AS S",
    # characters that could hide something
    "SELECT region /* x */ FROM sales",
    "SELECT region FROM sales -- x",
    "SELECT /*+ SeqScan(sales) */ region FROM sales",
    "SELECT $$x$$ AS a FROM sales",
    "SELECT E'\\x41' AS a FROM sales",
    "SELECT e'a' AS a FROM sales",
    "SELECT U&'a' AS a FROM sales",
    "SELECT region FROM sales WHERE region = 'a\\'",
    "SELECT region FROM sales WHERE region = ':team'",
    "SELECT region FROM sales WHERE region = $1",
    "SELECT region FROM sales WHERE region = %(region)s",
    "SELECT region FROM sales WHERE region = ?",
    "SELECT rеgion FROM sales",  # noqa: RUF001 - a Cyrillic letter
    "SELECT region FROM sales\x00",
    "SELECT ((((((((((" * 300 + "region FROM sales",
    # names of the answer
    "SELECT LOWER(region) FROM sales",
    "SELECT region FROM sales ORDER BY 1",
    "SELECT region, COUNT(*) AS n FROM sales GROUP BY 1",
    "SELECT region, region FROM sales",
    "SELECT COUNT(*) AS counted_persons FROM sales",
    # parameters
    "SELECT region FROM sales WHERE region = :unknown",
    "SELECT region FROM sales WHERE region = :caller_id",
]


@pytest.mark.parametrize("sql", HOSTILE, ids=range(len(HOSTILE)))
def test_it_refuses_what_is_not_on_the_list(sql):
    with pytest.raises(QueryRefused):
        check_query(sql, datasets=DATASETS, parameters=frozenset())


def test_it_refuses_more_than_forty_forms():
    assert len(HOSTILE) >= 40


ALLOWED = [
    "SELECT region FROM sales",
    "SELECT s.region, p.name FROM sales AS s JOIN people AS p ON p.region = s.region",
    "SELECT s.region FROM sales s LEFT JOIN people p ON p.region = s.region",
    "SELECT COUNT(*) AS number, COUNT(DISTINCT seller) AS sellers FROM sales",
    "SELECT region, SUM(amount) AS a FROM sales GROUP BY region ORDER BY a DESC",
    "SELECT UPPER(region) AS region_name FROM sales WHERE region = :caller_region",
    "SELECT region FROM sales WHERE sold_on >= CAST('2026-01-01' AS date) LIMIT 10",
    "SELECT CASE WHEN amount > 10 THEN 'big' ELSE 'small' END AS size FROM sales",
    "SELECT ROUND(100 * amount / NULLIF(quarter, 0), 1) AS share FROM sales",
    "SELECT region FROM sales WHERE region IN ('a', 'b') AND amount BETWEEN 1 AND 2",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_it_takes_plain_questions(sql):
    assert check_query(sql, datasets=DATASETS, parameters=frozenset()).outputs


def test_it_refuses_a_declared_parameter_that_nothing_uses():
    with pytest.raises(QueryRefused, match="not used"):
        check_query(
            "SELECT region FROM sales",
            datasets=DATASETS,
            parameters=frozenset({"region"}),
        )


def test_it_tells_what_an_answer_and_its_rows_are_made_from():
    checked = check_query(
        "SELECT region, LOWER(seller) AS who FROM sales WHERE team = 'x' ORDER BY who",
        datasets=DATASETS,
        parameters=frozenset(),
    )

    assert [output.made_from for output in checked.outputs] == [
        {("sales", "region")},
        {("sales", "seller")},
    ]
    # Sorted by who: sorted by the seller.
    assert checked.deciding == {("sales", "team"), ("sales", "seller")}


def test_an_order_by_column_that_is_not_shown_decides():
    checked = check_query(
        "SELECT region FROM sales ORDER BY amount",
        datasets=DATASETS,
        parameters=frozenset(),
    )

    assert checked.deciding == {("sales", "amount")}


NOT_AGGREGATE = [
    "SELECT region FROM sales",
    "SELECT seller, SUM(amount) AS total FROM sales GROUP BY seller, seller_id",
    "SELECT seller_id, SUM(amount) AS total FROM sales GROUP BY seller_id",
    "SELECT SUM(amount) AS total FROM sales GROUP BY region",
    "SELECT region, SUM(amount) AS total FROM sales",
    "SELECT MAX(amount) AS biggest FROM sales",
    "SELECT MIN(amount) AS smallest FROM sales",
    "SELECT SUM(CASE WHEN seller = 'Bob' THEN amount END) AS his FROM sales",
    "SELECT SUM(amount) AS total FROM sales WHERE seller_id = :caller_username",
    "SELECT region AS r, SUM(amount) AS total FROM sales GROUP BY region",
    "SELECT LOWER(region) AS r, SUM(amount) AS total FROM sales GROUP BY LOWER(region)",
    "SELECT region, SUM(amount) + amount AS total FROM sales GROUP BY region",
    "SELECT region, SUM(amount) AS total FROM sales GROUP BY region LIMIT 1",
    "SELECT COUNT(*) AS number FROM people",
    "SELECT COUNT(*) AS n FROM sales AS s JOIN people AS p ON p.region = s.region",
]


@pytest.mark.parametrize("sql", NOT_AGGREGATE)
def test_an_aggregate_shows_only_groups(sql):
    with pytest.raises(QueryRefused):
        check_query(
            sql, datasets=DATASETS, parameters=frozenset(), aggregate_only="yes"
        )


@pytest.mark.parametrize(
    "declared",
    [
        "text",
        [],
        ["region"],
        [{"name": "Region", "type": "text", "classification": "internal"}],
        [{"name": "a b", "type": "text", "classification": "internal"}],
        [{"name": 'a"', "type": "text", "classification": "internal"}],
        [{"name": "region", "type": "uuid", "classification": "internal"}],
        [{"name": "region", "type": "text", "classification": "secret"}],
        [{"name": "region", "type": "text"}],
        columns("region", "region"),
    ],
)
def test_it_refuses_unsound_columns(declared):
    with pytest.raises(DefinitionRefused):
        DatasetSpec.of("sales", relation="sales", columns=declared)


@pytest.mark.parametrize("relation", ["", "a b", 'x"; DROP', "a..b", "A"])
def test_it_refuses_a_relation_that_is_no_name(relation):
    with pytest.raises(DefinitionRefused):
        DatasetSpec.of("sales", relation=relation, columns=columns("region"))

"""Every cell against a plain evaluator of grants: rows, columns, masks and denies."""

import hashlib
import hmac
import re
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from functools import cache
from itertools import product
from random import Random  # noqa: TID251 - reproducible cases, nothing secret

import pytest
import sqlalchemy
from django.conf import settings

from chat.datasets.checker import check_query
from chat.datasets.definitions import DatasetSpec
from chat.datasets.errors import ColumnRefused, DefinitionRefused
from chat.datasets.masking import masked_sql
from chat.datasets.rewriter import DatasetView, MaskedLayer, bind_query, view_sql
from chat.datasets.sources import make_engine
from chat.stages.judgement import _view
from chatsec.core import crypto
from rbac.policy import Bindings, Question, grant
from rbac.policy.decisions import Held
from rbac.policy.masks import (
    PLAIN,
    Mask,
    MaskKind,
    columns_problem,
    parse_column,
    parse_mask,
)
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


@pytest.fixture(scope="module")
def staff(business):
    made = make_engine(settings.BUSINESS_OWNER_DATABASE_URL)
    engine = sqlalchemy.create_engine(made.url)
    with engine.connect() as connection:
        kinds = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
        connection.exec_driver_sql(f"CREATE TEMP TABLE staff ({kinds})")
        blanks = ", ".join(["%s"] * len(TYPES))
        connection.exec_driver_sql(
            f"INSERT INTO staff VALUES ({blanks})",
            [tuple(row.values()) for row in ROWS],
        )
        yield connection
    engine.dispose()
    made.dispose()


OWN_REGION = "resource.region == user.region"
OWN_TEAM = "resource.team == user.team"
WELL_PAID = "resource.salary > 1000"
FILTERS = ["", "", OWN_REGION, OWN_TEAM, WELL_PAID, "resource.secret == 1"]
CONDITIONS = ["", "", "", "context.yes", "context.no", OWN_REGION]
MASKS = {
    "salary": ["", "", "null", "hash", "last4", "bucket:1000", "bucket:500.5"],
    "account": ["", "null", "hash", "last4", "bucket:10"],
    "hired_on": ["", "null", "bucket:month", "bucket:year", "hash", "last4"],
    "region": ["", "hash"],
    "team": [""],
    "number": [""],
}
USER = {"region": "north", "team": "n1"}


def entry(random, name):
    mask = random.choice(MASKS[name])
    return f"{name}:{mask}" if mask else name


def line(random):
    effect = random.choice(["allow", "allow", "allow", "deny"])
    named = random.sample(list(TYPES), random.randint(1, 4))
    if effect == "deny":
        columns = random.choice([None, named[:2], named[:1]])
    else:
        columns = random.choice([None, *[[entry(random, n) for n in named]] * 3])
    return {
        "effect": effect,
        "condition": random.choice(CONDITIONS),
        "row_filter": random.choice(FILTERS),
        "columns": columns,
    }


def truth_of(text, row, context):
    """Evaluate one of the conditions by hand, three-valued."""
    known = {
        "": True,
        OWN_REGION: None if row["region"] is None else row["region"] == "north",
        OWN_TEAM: None if row["team"] is None else row["team"] == "n1",
        WELL_PAID: None if row["salary"] is None else row["salary"] > 1000,
        "context.yes": context["yes"],
        "context.no": context["no"],
    }
    return known.get(text)


ORDER = ["", "bucket", "last4", "hash", "null"]


def strictness(mask):
    kind, _, size = mask.partition(":")
    width = {"month": 1, "year": 2, "": 0}.get(size)
    return ORDER.index(kind), Decimal(size) if width is None else Decimal(width)


def fits(mask, kind):
    name, _, size = mask.partition(":")
    if name == "bucket":
        return (kind == "date") if size in ("month", "year") else kind == "integer"
    return kind != "date" if name == "last4" else True


def expected(lines, row, column, context, floor=""):
    """Return as what the cell is to be shown: a mask, or None where it is not."""
    masks = []
    for one in lines:
        holds = [
            truth_of(one[name], row, context) for name in ("condition", "row_filter")
        ]
        if one["columns"] is None:
            covered = ""
        else:
            named = dict((e + ":").split(":", 1) for e in one["columns"])
            if column not in named:
                continue
            covered = named[column].rstrip(":")
        if one["effect"] == "deny":
            if False not in holds:
                return None
        elif holds == [True, True]:
            fit = covered if fits(covered, TYPES[column]) else "null"
            masks.append(max(fit, floor, key=strictness))
    return min(masks, key=strictness, default=None)


def shown_as(mask, column, value):
    """Return what a cell looks like under a mask, reckoned in Python."""
    if value is None or mask in (None, "null"):
        return None
    text = value.isoformat() if isinstance(value, date) else str(value)
    kind, _, size = mask.partition(":")
    match kind:
        case "bucket" if size in ("month", "year"):
            return text[:7] if size == "month" else text[:4]
        case "bucket":
            width = Decimal(size)
            return (value / width).to_integral_value(ROUND_FLOOR) * width
        case "last4":
            return "****" + text[-4:] if len(text) >= 8 else "****"
        case "hash":
            key = crypto.derived_key(f"mask:staff.{column}")
            return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:16]
        case _:
            return value


def same(cell, wanted):
    if cell is None or wanted is None:
        return cell is wanted
    if isinstance(wanted, (int, Decimal)):
        return Decimal(str(cell)) == wanted
    return str(cell) == str(wanted)


def view_of(lines, context, spec):
    held = [Held(grant("role", "read", **one), ("role",)) for one in lines]
    scope = scope_of(held, Question("read", Bindings(USER, context), False))
    return _view(scope, spec, hidden=frozenset())


@cache
def everything(spec):
    return check_query(
        f"SELECT {', '.join(TYPES)} FROM staff",
        datasets={"staff": spec},
        parameters=frozenset(),
    )


def fetched(connection, spec, view):
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


OPEN, LIMITED = spec_with(), spec_with(salary="bucket:2000")
COMPARED = 10


def compare(connection, count, seed):
    """Return unauthorised cells, wrongly hidden cells and all cells compared."""
    random = Random(seed)
    leaks = losses = cells = 0
    for number in range(count):
        lines = [line(random) for _ in range(random.randint(1, 4))]
        yes = random.random() < 0.5
        context = {"yes": yes, "no": not yes}
        floor = "bucket:2000" if number % 7 == 0 else ""
        spec = LIMITED if floor else OPEN
        rows = dict(fetched(connection, spec, view_of(lines, context, spec)))
        for row in random.sample(ROWS, COMPARED):
            for column in TYPES:
                least = floor if column == "salary" else ""
                mask = expected(lines, row, column, context, least)
                wanted = shown_as(mask, column, row[column])
                cell = rows.get(row["number"], {}).get(column)
                cells += 1
                if same(cell, wanted):
                    continue
                leaks += cell is not None
                losses += cell is None
    return leaks, losses, cells


def test_no_cell_is_shown_that_the_grants_do_not_cover(staff):
    assert compare(staff, 2_000, seed=1) == (0, 0, 2_000 * COMPARED * len(TYPES))


@pytest.mark.prove
def test_no_cell_is_shown_that_the_grants_do_not_cover_at_length(staff):
    leaks, losses, _ = compare(staff, 12_000, seed=2)

    assert (leaks, losses) == (0, 0)


GOOD = [
    "salary",
    "salary:null",
    "salary:hash",
    "a1:last4",
    "x:bucket:0.5",
    "d:bucket:year",
]
BAD = ["", ":null", "salary:", "salary:nil", "salary:bucket", "salary:bucket:0", "a b"]
BAD += ["salary:bucket:-5", "salary:bucket:week", "salary:hash:hash", 'x":null', "ä"]
BAD += ["salary\n", "salary:bucket:1e9", "x" * 64]


@pytest.mark.parametrize("text", GOOD)
def test_it_reads_a_column_with_its_mask(text):
    assert parse_column(text)
    assert columns_problem([text], effect="allow") == ""


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_column_covers_nothing_and_is_refused(text):
    scope = scope_of(
        [Held(grant("role", "read", columns=[text]), ("role",))],
        Question("read", Bindings({}, {})),
    )

    assert parse_column(text) is None
    assert columns_problem([text], effect="allow")
    assert scope.to_sql(TYPES).sql == "FALSE"


def test_a_deny_names_no_mask_and_no_column_comes_twice():
    assert columns_problem(["salary:hash"], effect="deny")
    assert columns_problem(["salary", "salary:hash"], effect="allow")


def test_a_deny_with_a_mask_written_past_the_services_hides():
    view = view_of(
        [
            {"columns": None},
            {"effect": "deny", "columns": ["salary:hash", "team:nonsense"]},
        ],
        {},
        spec_with(),
    )

    assert not {"salary", "team"} & {*view.columns, *view.masked}


@pytest.mark.parametrize(
    ("column", "mask"),
    [
        ("hired_on", "last4"),
        ("hired_on", "bucket:10"),
        ("account", "bucket:month"),
        ("salary", "bucket:year"),
        ("salary", "nonsense"),
    ],
)
def test_a_dataset_refuses_a_mask_that_does_not_fit(column, mask):
    with pytest.raises(DefinitionRefused, match="mask"):
        spec_with(**{column: mask})


def test_masks_are_ordered_by_how_little_they_show():
    texts = ["", "bucket:1", "bucket:500", "last4", "hash", "null"]
    masks = [parse_mask(text) for text in texts]

    assert masks == sorted(masks)
    assert [str(mask) for mask in masks] == texts


def test_a_hash_differs_by_column_and_is_no_bare_one(staff):
    view = view_of([{"columns": ["account:hash", "region:hash"]}], {}, spec_with())
    rows = fetched(staff, spec_with(), view)
    hashed = {cell for _, row in rows for cell in row.values() if cell}

    assert all(re.fullmatch(r"[0-9a-f]{16}", cell) for cell in hashed)
    for value in ("north", "short", "DE89370400440532"):
        assert hashlib.sha256(value.encode()).hexdigest()[:16] not in hashed


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


def test_plain_is_the_column_itself():
    column = spec_with().by_name["salary"]

    assert masked_sql(column, PLAIN, key="x") == '"salary"'

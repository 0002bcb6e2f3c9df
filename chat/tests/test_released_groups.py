"""No two answers tell a third: the differencing attack, played out."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy
from django.conf import settings
from django.db import connections

from chat.constants import SMALLEST_GROUP
from chat.datasets.sources import make_engine
from chat.models import Dataset, DataSource, QueryDefinition, ReleasedGroup
from chat.selectors.catalogue import find_entry
from chat.services.catalogue import save_dataset, save_query
from chat.services.conversations import start_conversation
from chat.stages.authorization import authorize
from chat.stages.execution import execute, release
from chat.stages.keeping import store
from chat.stages.types import QueryPlan, Turn, TurnEnded
from chatsec.core.context import ANONYMOUS, SYSTEM
from chatsec.demo.queries import SLOTS
from rbac.models import Role, RoleGrant

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COLUMNS = ("person", "region", "department", "year", "quarter", "amount")
TEXTS = ("region", "department")
WHERE = " AND ".join(
    f"(:{slot} IS NULL OR {slot} = :{slot})"
    for slot in ("region", "department", "year", "quarter")
)
QUERIES = {
    "probe_total": "SELECT SUM(amount) AS total FROM probe WHERE {}",
    "probe_regions": "SELECT region, SUM(amount) AS total FROM probe WHERE {}"
    " GROUP BY region",
    "probe_table": "SELECT region, department, SUM(amount) AS total FROM probe WHERE {}"
    " GROUP BY region, department",
}


def rows():
    """Yield everybody's amounts: west, legal and the last quarter are small."""
    crowd = {
        ("north", "Sales"): 8,
        ("north", "Legal"): 3,
        ("south", "Sales"): 9,
        ("south", "IT"): 7,
        ("east", "Sales"): 12,
        ("east", "IT"): 6,
        ("west", "Sales"): 2,
    }
    person = 0
    for (region, department), size in crowd.items():
        for _ in range(size):
            person += 1
            for quarter in (1, 2, 3):
                yield person, region, department, 2025, quarter, 100 * person + quarter
            if person in (1, 2, 9):
                yield person, region, department, 2025, 4, 7 * person


@pytest.fixture(scope="session")
def owner(business):
    engine = make_engine(settings.BUSINESS_OWNER_DATABASE_URL)
    raw = sqlalchemy.create_engine(engine.url)
    kinds = ", ".join(f"{c} {'text' if c in TEXTS else 'integer'}" for c in COLUMNS)
    with raw.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS probe")
        connection.exec_driver_sql(f"CREATE TABLE probe ({kinds})")
        connection.exec_driver_sql(
            "INSERT INTO probe VALUES (%s, %s, %s, %s, %s, %s)", list(rows())
        )
    yield raw
    with raw.begin() as connection:
        connection.exec_driver_sql("DROP TABLE probe")
    raw.dispose()
    engine.dispose()


@pytest.fixture
def probe(catalogue, owner):
    """Publish the questions about the small relation."""
    dataset = Dataset(
        name="probe",
        source=DataSource.objects.get(),
        relation="probe",
        columns=[
            {
                "name": name,
                "type": "text" if name in TEXTS else "integer",
                "classification": "internal",
            }
            for name in COLUMNS
        ],
        person_column="person",
    )
    save_dataset(SYSTEM, dataset)
    slots = ("region", "department", "year", "quarter")
    for key, sql in QUERIES.items():
        query = QueryDefinition(
            key=key,
            title=key,
            resource_type="probe",
            parameters={
                "type": "object",
                "properties": {slot: SLOTS[slot] for slot in slots},
                "additionalProperties": False,
            },
            sql=sql.format(WHERE),
            permission="read_sales",
            aggregate_only=True,
            data_classification="internal",
            purposes=["answer_questions"],
        )
        save_query(SYSTEM, query, datasets=[dataset])


@pytest.fixture
def finance(probe, acting, dan):
    return acting(dan)


def shown(actor, key, *, now=NOON, **slots):
    """Return the rows that the question is answered with; TurnEnded if refused."""
    turn = Turn(actor, start_conversation(actor), now, 0.0)
    return release(execute(authorize(QueryPlan(turn, find_entry(key), slots)))).rows


def told(actor, questions):
    """Return which rows of the relation each figure told is a sum of, and refusals."""
    figures, refused = [], 0
    for key, slots in questions:
        try:
            found = shown(actor, key, **slots)
        except TurnEnded:
            refused += 1
            continue
        keys = {"probe_regions": ["region"], "probe_table": ["region", "department"]}
        for row in found:
            named = dict(zip(keys.get(key, []), row, strict=False))
            figures.append(members({**slots, **named}))
    return figures, refused


def members(wanted):
    return np.array(
        [
            all(row[COLUMNS.index(name)] == value for name, value in wanted.items())
            for row in rows()
        ],
        dtype=float,
    )


def small_figures():
    """Yield every figure of the relation's grid that is of too few people."""
    everything = list(rows())
    for region in (None, "north", "south", "east", "west"):
        for department in (None, "Sales", "Legal", "IT"):
            for quarter in (None, 1, 2, 3, 4):
                wanted = {
                    name: value
                    for name, value in (
                        ("region", region),
                        ("department", department),
                        ("quarter", quarter),
                    )
                    if value is not None
                }
                picked = members(wanted)
                people = {
                    row[0] for row, at in zip(everything, picked, strict=True) if at
                }
                if 0 < len(people) < SMALLEST_GROUP:
                    yield wanted, picked


def stolen(figures):
    """Return the small figures that can be had from those told, by elimination."""
    if not figures:
        return []
    space = np.array(figures)
    rank = np.linalg.matrix_rank(space)
    return [
        wanted
        for wanted, picked in small_figures()
        if np.linalg.matrix_rank(np.vstack([space, picked])) == rank
    ]


YEAR = {"year": 2025}
TOTAL, REGIONS, TABLE = "probe_total", "probe_regions", "probe_table"
NORTH = {"region": "north", "quarter": 3, **YEAR}
PLACES = ("north", "south", "east", "west")
ATTACKS = {
    "a region less one department": [
        (TOTAL, NORTH),
        (TOTAL, {**NORTH, "department": "Sales"}),
    ],
    "the same the other way round": [
        (TOTAL, {**NORTH, "department": "Sales"}),
        (TOTAL, NORTH),
    ],
    "the company less its regions": [
        (TOTAL, YEAR),
        *((TOTAL, {**YEAR, "region": place}) for place in PLACES),
    ],
    "the regions, then the company": [
        *((TOTAL, {**YEAR, "region": place}) for place in PLACES),
        (TOTAL, YEAR),
    ],
    "the table of regions and the company": [(REGIONS, YEAR), (TOTAL, YEAR)],
    "the year less its quarters": [
        (TOTAL, YEAR),
        *((TOTAL, {**YEAR, "quarter": quarter}) for quarter in (1, 2, 3, 4)),
    ],
    "the quarters, then the year": [
        *((TOTAL, {**YEAR, "quarter": quarter}) for quarter in (4, 3, 2, 1)),
        (TOTAL, YEAR),
    ],
    "the table of both and all its totals": [
        (TABLE, YEAR),
        (REGIONS, YEAR),
        *((TOTAL, {**YEAR, "department": name}) for name in ("Sales", "IT", "Legal")),
        (TOTAL, YEAR),
    ],
    "two tables of two periods": [
        (REGIONS, YEAR),
        *((REGIONS, {**YEAR, "quarter": quarter}) for quarter in (1, 2, 3, 4)),
        (TABLE, {**YEAR, "quarter": 2}),
    ],
    "everything that there is": [
        (key, {**YEAR, **place, **time})
        for key in (TOTAL, REGIONS, TABLE)
        for place in ({}, *({"region": one} for one in PLACES))
        for time in ({}, *({"quarter": one} for one in (1, 2, 3, 4)))
    ],
}


@pytest.mark.django_db
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_by_differences_gets_nothing(finance, attack):
    figures, _ = told(finance, ATTACKS[attack])

    assert figures
    assert stolen(figures) == []


@pytest.mark.parametrize(
    "attack", [name for name in ATTACKS if "table" not in name and "every" not in name]
)
def test_without_the_ledger_the_attack_would_succeed(attack):
    large = [
        members(slots)
        for _, slots in ATTACKS[attack]
        if len({r[0] for r, at in zip(rows(), members(slots), strict=True) if at})
        >= SMALLEST_GROUP
    ]

    assert stolen(large)


@pytest.mark.django_db
def test_a_refusal_says_why_and_is_evidence(finance):
    from auditlog.selectors import describe, list_events

    shown(finance, TOTAL, **NORTH)

    with pytest.raises(TurnEnded) as ended:
        shown(finance, TOTAL, **NORTH, department="Sales")
    answer = store(ended.value.answer)

    assert answer.status == "denied"
    assert "fewer than five people" in answer.message
    assert answer.extra["code"] == "too_similar"
    assert answer.rows == ()
    (refusal,) = map(describe, list_events(event_type="authorization_denied"))
    assert refusal["result"] == "denied"


@pytest.mark.django_db
def test_the_same_question_is_answered_again(finance):
    first = shown(finance, TABLE, **YEAR)

    assert first
    assert shown(finance, TABLE, **YEAR) == first


@pytest.mark.django_db
def test_questions_that_do_not_touch_are_independent(finance):
    assert shown(finance, TOTAL, **NORTH)
    assert shown(finance, TOTAL, region="south", **YEAR)
    assert shown(finance, TOTAL, region="south", quarter=1, **YEAR)


@pytest.mark.django_db
def test_answers_are_forgotten_after_a_day(finance):
    shown(finance, TOTAL, **NORTH)

    tomorrow = NOON + timedelta(hours=24, seconds=1)
    assert shown(finance, TOTAL, **NORTH, department="Sales", now=tomorrow)


@pytest.mark.django_db
def test_somebody_else_asks_for_himself(finance, acting, admin):
    shown(finance, TOTAL, **NORTH)

    assert shown(acting(admin), TOTAL, **NORTH, department="Sales")


@pytest.mark.django_db
def test_who_is_not_known_is_shown_no_group(probe):
    create = RoleGrant.objects.create
    create(role=Role.objects.get(name="public"), code="read_sales")
    turn = Turn(ANONYMOUS, None, NOON, 0.0)
    authorized = authorize(QueryPlan(turn, find_entry(TOTAL), NORTH))

    with pytest.raises(TurnEnded) as ended:
        release(execute(authorized))

    assert ended.value.answer.reply.extra["code"] == "sign_in_needed"


@pytest.mark.django_db
def test_a_sale_that_is_new_since_is_not_told(finance, owner):
    shown(finance, TOTAL, **NORTH)
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO probe VALUES (1, 'north', 'Sales', 2025, 3, 5000)"
        )
    try:
        with pytest.raises(TurnEnded):
            shown(finance, TOTAL, **NORTH)
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql("DELETE FROM probe WHERE amount = 5000")


@pytest.mark.django_db
def test_another_grid_is_not_compared_but_refused(finance):
    shown(finance, TOTAL, **NORTH)
    QueryDefinition.objects.filter(key=REGIONS).update(
        sql=QUERIES[REGIONS].format(WHERE + " AND amount > 0")
    )

    with pytest.raises(TurnEnded):
        shown(finance, TOTAL, **NORTH)


@pytest.mark.django_db
def test_the_ledger_names_nobody(finance):
    shown(finance, TABLE, **YEAR)

    kept = list(ReleasedGroup.objects.values_list("members", flat=True))
    assert kept
    for members_of in map(bytes, kept):
        for person in range(1, 48):
            assert str(person).encode().rjust(8, b"\0") not in members_of
        assert b"north" not in members_of


@pytest.mark.django_db(transaction=True)
def test_whole_questions_at_once_tell_no_difference(finance):
    told_to, refused = [], []
    start = threading.Barrier(6)

    def try_it(slots):
        start.wait()
        try:
            told_to.extend(members(slots) for _ in shown(finance, TOTAL, **slots))
        except TurnEnded as ended:
            refused.append(ended.answer.reply.extra["code"])
        finally:
            connections.close_all()

    questions = [NORTH, {**NORTH, "department": "Sales"}] * 3
    threads = [threading.Thread(target=try_it, args=[slots]) for slots in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told_to) == 3
    assert refused == ["too_similar"] * 3
    assert stolen(told_to) == []

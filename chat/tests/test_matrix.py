"""Who may run what: every role, every query of the demo, and every cell of the answer.

The table is written by hand from the reference chapter's roles; the figures are
compared with what the business database says without any of our code.
"""

from datetime import UTC, datetime

import pytest
import sqlalchemy

from accounts.tests.factories import make_user
from chat.models import QueryKind
from chat.selectors.catalogue import find_entries
from chat.services.conversations import start_conversation
from chat.stages.authorization import authorize
from chat.stages.execution import execute, release
from chat.stages.judgement import judge
from chat.stages.types import QueryPlan, Turn, TurnEnded
from rbac.tests.factories import give_role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PUBLIC = {"faq", "help"}
EMPLOYEE = PUBLIC | {
    "company_directory",
    "reporting_line",
    "headcount",
    "own_data",
    "my_salary",
}
TOTALS = {
    "sales_summary",
    "sales_by_region",
    "sales_by_product",
    "sales_trend",
    "top_products",
    "average_deal",
    "sales_target",
}
REPRESENTATIVE = (
    EMPLOYEE
    | TOTALS
    | {"sales_notes", "own_sales", "own_performance", "write_sales_notes"}
)
MANAGER = REPRESENTATIVE | {
    "team_sales",
    "team_performance",
    "sales_detail",
    "top_sellers",
    "approve_discount",
}
HR = EMPLOYEE | {"employee_records", "performance_reviews", "new_hires", "salary"}
HR |= {"salary_statistics"}
FINANCE = (
    EMPLOYEE
    | TOTALS
    | {"financial_report", "profit_margin", "expense_report", "budget_vs_actual"}
)
EVERYTHING = MANAGER | HR | FINANCE
ROLES = {
    "": PUBLIC,
    "employee": EMPLOYEE,
    "sales_rep": REPRESENTATIVE,
    "sales_manager": MANAGER,
    "hr_specialist": HR,
    "finance": FINANCE,
    "admin": EVERYTHING,
}
SLOTS = {
    "salary": {"person": "Jane Smith"},
    "approve_discount": {"amount": 5},
    "write_sales_notes": {"note": "x"},
}


@pytest.fixture
def playing(acting):
    """Return a maker of somebody in a role, stepped up a moment ago."""

    def actor_in(role, **attributes):
        person = make_user(f"player-{role or 'nobody'}", totp=True, **attributes)
        if role:
            give_role(person, role)
        return acting(person, stepped_up=True)

    return actor_in


def test_the_table_knows_every_query():
    assert set(find_entries()) == EVERYTHING


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_run_exactly_these(playing, role):
    actor = playing(
        role, department="Sales", region="north", team="north-1", approval_limit=10
    )
    context = {"now": NOON}

    allowed = {
        key
        for key, entry in find_entries().items()
        if judge(actor, entry, now=NOON, context=context).is_allowed
    }

    assert allowed == ROLES[role]


def released(actor, entry, slots):
    turn = Turn(
        actor,
        start_conversation(actor),
        datetime.now(tz=UTC),
        0.0,
        surroundings={"now": NOON},
    )
    return release(execute(authorize(QueryPlan(turn, entry, slots, "hours"))))


@pytest.mark.parametrize("role", [role for role in ROLES if role])
def test_what_is_denied_never_gets_as_far_as_rows(playing, role):
    actor = playing(role, department="Sales", region="north", team="north-1")
    for key, entry in find_entries().items():
        if key in ROLES[role]:
            continue
        with pytest.raises(TurnEnded) as ended:
            released(actor, entry, SLOTS.get(key, {}))
        assert ended.value.answer.reply.status == "denied", key
        assert ended.value.answer.reply.figures is None


@pytest.mark.parametrize("role", [role for role in ROLES if role])
def test_every_cell_is_within_the_scope_of_the_role(playing, role, business):
    actor = playing(role, department="Sales", region="north", team="north-1")
    engine = sqlalchemy.create_engine(business)
    with engine.connect() as connection:
        teams = dict(
            connection.exec_driver_sql("SELECT sale_id, team FROM sales").all()
        )
        regions = dict(
            connection.exec_driver_sql("SELECT sale_id, region FROM sales").all()
        )
    for key in sorted(ROLES[role]):
        entry = find_entries([key])[key]
        if entry.query.kind != QueryKind.SQL:
            continue
        shown = released(actor, entry, SLOTS.get(key, {}))
        if "sale_id" not in shown.columns or role == "admin":
            continue
        ids = {row[shown.columns.index("sale_id")] for row in shown.rows}
        if key == "team_sales":
            assert {teams[one] for one in ids} == {"north-1"}
        if key == "sales_notes":
            assert {regions[one] for one in ids} == {"north"}
        if key == "own_sales":
            assert ids == set()


def test_without_attributes_a_filter_covers_nothing(playing):
    actor = playing("sales_manager")

    team = released(actor, find_entries(["team_sales"])["team_sales"], {})
    total = released(actor, find_entries(["sales_summary"])["sales_summary"], {})

    assert team.rows == ()
    assert total.rows == ()

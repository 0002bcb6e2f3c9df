"""The reference chapter's matrix: seven roles by every permission, as a truth table."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from accounts.tests.factories import make_user
from chatsec.core.context import ANONYMOUS, Actor, ActorKind
from rbac.services import check_permission, decide
from rbac.tests.factories import give_role

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PUBLIC = {"read_public_faq", "read_public_docs"}
EMPLOYEE = PUBLIC | {"read_company_directory", "read_own_data"}
SALES_REP = EMPLOYEE | {"read_sales", "write_sales_notes", "read_own_performance"}
SALES_MANAGER = SALES_REP | {
    "read_team_sales",
    "read_team_performance",
    "approve_discounts",
    "read_sales_detail",
    "read_team_data",
}
HR = EMPLOYEE | {"read_hr_data", "write_hr_data", "read_pii", "read_employee_salary"}
FINANCE = EMPLOYEE | {
    "read_financial",
    "read_sales_aggregate",
    "export_financial_reports",
}
ADMINISTRATIVE = {
    "view_audit",
    "manage_incidents",
    "manage_detection",
    "explain",
    "view_matrix",
    "manage_roles",
    "manage_users",
    "manage_catalogue",
    "manage_privacy",
    "read_transcript",
}
ALL = SALES_MANAGER | HR | FINANCE | ADMINISTRATIVE | {"read_employee_salary_aggregate"}
ROLES = {
    "public": PUBLIC,
    "employee": EMPLOYEE,
    "sales_rep": SALES_REP,
    "sales_manager": SALES_MANAGER,
    "hr_specialist": HR,
    "finance": FINANCE,
    "admin": ALL,
}


def person_with(role: str) -> Actor:
    if role == "public":
        return ANONYMOUS
    user = make_user("somebody", department="sales", region="north", team="north-1")
    give_role(user, role)
    return Actor(kind=ActorKind.USER, person=user)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_it_gives_each_role_what_the_matrix_says(role):
    actor = person_with(role)

    found = {
        code: decide(actor, code, context={"now": NOON}).is_allowed for code in ALL
    }

    assert found == {code: code in ROLES[role] for code in ALL}


@pytest.mark.django_db
def test_it_registers_no_other_code_of_the_domain():
    registered = set(
        Permission.objects.filter(
            content_type__app_label="rbac", content_type__model="domain"
        ).values_list("codename", flat=True)
    )

    assert registered == ALL


@pytest.mark.django_db
def test_it_gives_signed_in_strangers_the_public_floor():
    stranger = make_user("stranger")

    assert check_permission(stranger, "read_public_docs")
    assert not check_permission(stranger, "read_company_directory")


@pytest.mark.django_db
def test_it_gives_inactive_people_nothing():
    user = make_user("gone")
    give_role(user, "admin")
    user.is_active = False

    assert not check_permission(user, "read_public_faq")
    assert not user.has_perm("rbac.view_audit")
    decision = decide(Actor(kind=ActorKind.USER, person=user), "read_public_faq")
    assert [reason.kind for reason in decision.reasons] == ["inactive"]


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["rbac.view_audit", "accounts.view_user", "new.thing"])
def test_it_lets_the_wildcard_cover_codes_of_any_app_and_new_ones(admin, erin, code):
    assert admin.has_perm(code)
    assert not erin.has_perm(code)


@pytest.mark.django_db
def test_it_never_gives_administration_to_a_service_account(admin):
    service = Actor(kind=ActorKind.SERVICE, person=admin)

    assert not check_permission(service, "manage_roles")
    assert check_permission(service, "read_sales")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hour", "minute", "salary", "team_data"),
    [
        (7, 59, False, False),
        (8, 0, False, True),
        (8, 59, False, True),
        (9, 0, True, True),
        (17, 0, True, True),
        (17, 59, True, True),
        (18, 0, False, True),
        (18, 59, False, True),
        (19, 0, False, False),
        (0, 0, False, False),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_it_keeps_office_hours_of_the_organisation(  # noqa: PLR0917
    carol, alice, settings, zone, hour, minute, salary, team_data
):
    from zoneinfo import ZoneInfo

    settings.CHATSEC_TIME_ZONE = zone
    now = datetime(2027, 1, 15, hour, minute, 59, tzinfo=ZoneInfo(zone))

    def may(user, code):
        actor = Actor(kind=ActorKind.USER, person=user)
        return decide(actor, code, context={"now": now}).is_allowed

    assignments = carol.role_assignments.all() | alice.role_assignments.all()
    assignments.update(valid_from=datetime(2020, 1, 1, tzinfo=UTC))
    assert may(carol, "read_employee_salary") is salary
    assert may(alice, "read_team_data") is team_data


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        (None, True),
        ({"region": "north"}, True),
        ({"region": "south"}, False),
        ({"region": None}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_it_keeps_sellers_to_their_region(request, name, resource, allowed):
    actor = Actor(kind=ActorKind.USER, person=request.getfixturevalue(name))

    decision = decide(actor, "read_sales", resource=resource)

    assert decision.is_allowed is allowed


@pytest.mark.django_db
def test_it_never_matches_an_unset_region_with_an_unset_row():
    user = make_user("nowhere", region="")
    give_role(user, "sales_rep")
    actor = Actor(kind=ActorKind.USER, person=user)

    decision = decide(actor, "read_sales", resource={"region": None})

    assert decision.outcome == "deny"
    assert "user.region" in decision.reason
    assert "resource.region" in decision.reason


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        ({}, True),
        ({"discount_amount": Decimal("999.99")}, True),
        ({"discount_amount": 1000}, True),
        ({"discount_amount": Decimal("1000.01")}, False),
        ({"discount_amount": "1"}, False),
    ],
)
def test_it_lets_managers_approve_up_to_their_limit(alice, context, allowed):
    actor = Actor(kind=ActorKind.USER, person=alice)

    decision = decide(actor, "approve_discounts", context=context)

    assert decision.is_allowed is allowed


@pytest.mark.django_db
def test_it_names_the_limit_that_is_missing():
    user = make_user("new-manager")
    give_role(user, "sales_manager")
    actor = Actor(kind=ActorKind.USER, person=user)

    decision = decide(actor, "approve_discounts", context={"discount_amount": 5})

    assert decision.outcome == "deny"
    assert decision.reasons[0].attributes == ("user.approval_limit",)
    assert "user.approval_limit" in decision.reason


@pytest.mark.django_db
def test_it_keeps_team_data_to_the_named_team(alice):
    actor = Actor(kind=ActorKind.USER, person=alice)

    own = decide(actor, "read_team_data", context={"now": NOON, "team_id": "north-1"})
    other = decide(actor, "read_team_data", context={"now": NOON, "team_id": "east-1"})

    assert (own.outcome, other.outcome) == ("allow", "deny")


@pytest.mark.django_db
def test_it_names_the_aggregate_that_finance_has_instead(dan):
    decision = decide(Actor(kind=ActorKind.USER, person=dan), "read_sales")

    assert decision.outcome == "deny"
    assert decision.reasons[0].kind == "aggregate_only"
    assert "read_sales_aggregate" in decision.reason


@pytest.mark.django_db
def test_it_says_who_inherits_what(alice):
    decision = decide(Actor(kind=ActorKind.USER, person=alice), "write_sales_notes")

    assert decision.roles == ("sales_manager",)
    assert decide(ANONYMOUS, "read_public_faq").roles == ("public",)
    assert decision.reasons[0].path == ("sales_manager", "sales_rep")
    assert (
        decision.reason
        == "sales_rep grants write_sales_notes (inherited by sales_manager)"
    )

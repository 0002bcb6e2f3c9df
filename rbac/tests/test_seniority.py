"""Nobody becomes somebody who administers more, by administering his account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import TOTPFactor, User
from accounts.services import factors, invitations, people
from accounts.services.api_keys import KeyTerms, make_service_key
from accounts.services.service_accounts import create_service_account
from accounts.tests.factories import make_session, make_user
from chatsec.core import context
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Denied
from rbac.models import BreakGlassEligibility
from rbac.services.break_glass import make_eligible
from rbac.services.seniority import refuse_managing
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def helper():
    """Somebody who manages people, and nothing else."""
    make_role("helpdesk", "manage_users", "accounts.*")
    helper = make_user("helper", is_staff=True, totp=True)
    give_role(helper, "helpdesk")
    return helper


def acting_as(user):
    here = context.current()
    actor = context.Actor(kind=context.ActorKind.USER, person=user, amr=("pwd", "mfa"))
    return context.bound(replace(here, actor=actor))


@pytest.mark.parametrize(
    "change",
    [
        {"email": "helper+2@example.org"},
        {"username": "other"},
        {"is_active": False},
        {"department": "Nowhere"},
    ],
)
def test_the_api_changes_no_account_that_administers_more(helper, admin, api, change):
    answer = api(helper, stepped_up=True).patch(f"/api/v1/users/{admin.id}", change)

    assert answer.status_code == 403, answer.content
    assert answer.json()["code"] == "exceeds_own_permissions"
    stored = User.objects.get(id=admin.id)
    assert (stored.email, stored.is_active) == ("admin@example.org", True)


def test_the_api_changes_everybody_elses(helper, carol, api):
    answer = api(helper, stepped_up=True).patch(
        f"/api/v1/users/{carol.id}", {"email": "carol2@example.org"}
    )

    assert answer.status_code == 200, answer.content


def test_an_administrator_changes_a_helper_and_another_administrator(
    helper, admin, api
):
    second = make_user("second", totp=True)
    give_role(second, "admin")

    for user in (helper, second):
        answer = api(admin).patch(f"/api/v1/users/{user.id}", {"team": "south"})
        assert answer.status_code == 200, answer.content


def test_factors_of_who_administers_more_are_not_reset(helper, admin):
    with acting_as(helper), pytest.raises(Denied):
        factors.reset_factors(admin, reason="lost his phone")

    assert TOTPFactor.objects.filter(user=admin, confirmed=True).exists()


def test_factors_of_everybody_else_are(helper, carol):
    with acting_as(helper):
        factors.reset_factors(carol, reason="lost her phone")

    assert not TOTPFactor.objects.filter(user=carol).exists()


def test_a_role_that_begins_tomorrow_counts_already(helper):
    heir = make_user("heir")
    give_role(heir, "admin", valid_from=timezone.now() + timedelta(days=1))

    with acting_as(helper), pytest.raises(Denied):
        people.update_user(heir, email="helper+3@example.org")


def test_an_invited_administrator_is_not_redirected(helper):
    invited = invitations.invite(
        "invited", email="invited@example.org", display_name="Invited"
    )
    give_role(invited, "admin")

    with acting_as(helper), pytest.raises(Denied):
        people.update_user(invited, email="helper+4@example.org")


def test_a_key_of_a_program_holds_nothing_that_its_maker_does_not(helper, erin):
    payroll = create_service_account("payroll", purpose="Pays people", responsible=erin)
    give_role(payroll.user, "hr_specialist")
    session = make_session(helper, stepped_up=True)
    terms = KeyTerms(name="mine", scopes=["write_hr_data"])

    with acting_as(helper), pytest.raises(Denied, match="write_hr_data"):
        make_service_key(session, payroll, terms)


def test_a_key_of_a_program_is_made_by_who_holds_as_much(admin, erin):
    payroll = create_service_account("payroll", purpose="Pays people", responsible=erin)
    give_role(payroll.user, "hr_specialist")
    session = make_session(admin, stepped_up=True)
    terms = KeyTerms(name="ours", scopes=["write_hr_data"])

    with acting_as(admin):
        assert make_service_key(session, payroll, terms).key.scopes == ["write_hr_data"]


@pytest.mark.parametrize(
    "change", [{"approval_limit": "9999"}, {"region": "south"}, {"is_staff": True}]
)
def test_nobody_who_manages_people_widens_his_own_rows(api, change):
    make_role("people_office", "manage_users")
    clerk = make_user("clerk", totp=True)
    give_role(clerk, "people_office")

    answer = api(clerk).patch(f"/api/v1/users/{clerk.id}", change)

    assert answer.status_code == 403, answer.content
    assert answer.json()["code"] == "own_attributes"


def test_one_changes_ones_own_name_and_an_administrator_his_own_place(
    helper, admin, api
):
    own = api(helper).patch("/api/v1/me", {"display_name": "Helper"})
    place = api(admin).patch(f"/api/v1/users/{admin.id}", {"region": "south"})

    assert (own.status_code, place.status_code) == (200, 200)


@pytest.mark.parametrize(
    ("role", "until", "refused"),
    [
        (("read_audit_in_need", "view_audit"), None, True),
        (("roles_in_need", "manage_roles"), timedelta(days=1), True),
        (("figures_in_need", "read_financial"), None, False),
    ],
)
def test_who_may_administer_in_an_emergency_counts_as_if_he_did(
    helper, erin, role, until, refused
):
    """Or his address leads to the emergency role, by a reset and a factor anew."""
    make_role(*role, is_break_glass=True)
    make_eligible(
        SYSTEM,
        user=erin,
        role=role[0],
        reason="on call",
        valid_until=until and timezone.now() + until,
    )

    with acting_as(helper):
        if refused:
            with pytest.raises(Denied):
                refuse_managing(erin, {"email"})
        else:
            refuse_managing(erin, {"email"})


@pytest.mark.parametrize("over", ["revoked", "expired"])
def test_an_eligibility_that_is_over_counts_no_more(helper, erin, over):
    make_role("roles_in_need", "manage_roles", is_break_glass=True)
    made = make_eligible(SYSTEM, user=erin, role="roles_in_need", reason="on call")
    past = timezone.now() - timedelta(seconds=1)
    column = {"revoked": "revoked_at", "expired": "valid_until"}[over]
    BreakGlassEligibility.objects.filter(pk=made.pk).update(
        created_at=past - timedelta(days=1), **{column: past}
    )

    with acting_as(helper):
        refuse_managing(erin, {"email"})

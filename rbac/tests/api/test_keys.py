"""What a key may do follows its owner's roles, within its scopes."""

from __future__ import annotations

import pytest

from accounts.services.api_keys import KeyTerms, make_service_key
from accounts.services.factors import enrol_totp
from accounts.services.people import close_account
from accounts.services.service_accounts import create_service_account
from accounts.tests.factories import make_session
from accounts.tests.keys import made_for, with_key
from chatsec.core.context import SYSTEM
from chatsec.core.errors import Conflict
from rbac.services import assign_role, revoke_assignment
from rbac.services.roles import GrantDefinition, RoleDefinition, create_role
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db

CHECK, ME = "/api/v1/rbac/check", "/api/v1/me"


def test_losing_the_role_ends_what_the_key_could(erin):
    assignment = give_role(erin, "sales_rep")
    client = with_key(made_for(erin).text)
    assert client.post(CHECK, {"permission": "read_sales"}).json()["outcome"] == "allow"

    revoke_assignment(SYSTEM, assignment=assignment, reason="for the test")

    assert client.post(CHECK, {"permission": "read_sales"}).json()["outcome"] == "deny"


def test_winning_a_role_widens_no_key(erin):
    client = with_key(made_for(erin, "read_public_faq").text)

    assign_role(SYSTEM, user=erin, role="finance", reason="for the test")

    assert client.get(ME).json()["permissions"] == ["read_public_faq"]


@pytest.fixture
def guarded(db):
    """A role whose holders need a second factor."""
    line = GrantDefinition(permission="read_sales")
    role = RoleDefinition(name="guarded", requires_factor=True, grants=(line,))
    return create_role(SYSTEM, definition=role)


@pytest.mark.usefixtures("guarded")
def test_a_key_is_no_way_round_the_factor_that_a_role_requires(erin):
    client = with_key(made_for(erin, "read_public_faq").text)
    assert client.get(ME).status_code == 200

    give_role(erin, "guarded")
    refused = client.get(ME)
    factor = enrol_totp(erin)
    type(factor).objects.update(confirmed=True)

    assert (refused.status_code, refused.json()["code"]) == (403, "factor_required")
    assert client.get(ME).status_code == 200


@pytest.mark.usefixtures("guarded")
def test_a_program_needs_no_factor_whatever_its_roles(admin):
    account = create_service_account("importer", purpose="Reads", responsible=admin)
    give_role(account.user, "guarded")
    session = make_session(admin, stepped_up=True)
    wanted = KeyTerms(name="reads", scopes=["read_sales"])

    made = make_service_key(session, account, wanted)

    me = with_key(made.text).get(ME).json()
    assert me["permissions"] == ["read_sales"]


def test_a_program_with_the_role_of_everything_administers_nothing(admin):
    account = create_service_account("importer", purpose="Reads", responsible=admin)
    give_role(account.user, "admin")
    session = make_session(admin, stepped_up=True)
    wanted = KeyTerms(name="reads", scopes=["read_sales"])
    client = with_key(make_service_key(session, account, wanted).text)

    assert client.get("/api/v1/rbac/roles").status_code == 403
    assert client.get("/api/v1/users").status_code == 403
    assert client.get("/api/v1/audit/events").status_code == 403
    assert client.get(ME).json()["permissions"] == ["read_sales"]
    assert not account.user.has_perm("rbac.manage_users")


def test_a_program_is_not_the_last_administrator(admin):
    account = create_service_account("importer", purpose="Reads", responsible=admin)
    give_role(account.user, "admin")

    with pytest.raises(Conflict) as refused:
        close_account(admin)

    assert refused.value.code == "last_administrator"

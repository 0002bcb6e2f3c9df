"""What a key may do follows its owner's roles, within its scopes."""

from __future__ import annotations

import pytest

from accounts.tests.keys import made_for, with_key
from chatsec.core.context import SYSTEM
from rbac.services import assign_role, revoke_assignment
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

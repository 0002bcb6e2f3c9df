"""Managing people: what the permission alone allows, and what it does not."""

import pytest

from accounts.models import Notice
from accounts.selectors import find_user_by_login
from accounts.tests.factories import make_user
from rbac.models import Role
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db

USERS = "/api/v1/users"
NEW = {"username": "zoe", "email": "zoe@example.org"}


@pytest.fixture
def clerk_role():
    """A role that manages people and asks for no second factor."""
    Role.objects.filter(name="admin").update(requires_factor=False)
    return "admin"


def test_reading_needs_the_permission_and_writing_a_second_factor(api, clerk_role):
    clerk, alina = make_user("clerk"), make_user("alina")
    give_role(clerk, clerk_role)
    client = api(clerk)

    assert client.get(USERS).status_code == 200
    for answer in (
        client.post(USERS, NEW),
        client.patch(f"{USERS}/{alina.id}", {"region": "north"}),
        client.post(f"{USERS}/{alina.id}/password-reset"),
        client.post(f"{USERS}/{alina.id}/invitation"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "mfa_required")
    assert find_user_by_login("zoe") is None
    assert Notice.objects.count() == 0


def test_with_a_second_factor_he_writes(api, clerk_role):
    clerk = make_user("clerk", totp=True)
    give_role(clerk, clerk_role)

    assert api(clerk).post(USERS, NEW).status_code == 201

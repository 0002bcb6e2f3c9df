import pytest
from django.test import RequestFactory

from accounts.services import sign_in
from accounts.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def try_password(name, password=PASSWORD):
    request = RequestFactory().post("/sign-in")
    return sign_in.check_password(request, name=name, password=password)


@pytest.mark.parametrize(
    "typed",
    ["alice", "ALICE", " alice ", "ａｌｉｃｅ", "al\u200bice", "alice@example.org"],
)
def test_it_knows_every_spelling_of_a_name(typed):
    alice = make_user("alice")

    outcome = try_password(typed)

    assert outcome == sign_in.Proven(alice, ("pwd",))

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from accounts.models import TOTPFactor, User
from accounts.services import sign_in
from accounts.tests.factories import totp_code
from rbac.models import Assignment

pytestmark = pytest.mark.django_db


def bootstrap(username="root", email="root@example.org"):
    out = StringIO()
    call_command("bootstrap_admin", username, email, stdout=out)
    return dict(line.strip().split("  ", 1) for line in out.getvalue().splitlines()[1:])


def test_it_makes_an_administrator_who_can_sign_in():
    shown = bootstrap()

    outcome = sign_in.check_password(
        RequestFactory().post("/"), name="root", password=shown["password"].strip()
    )
    root = User.objects.get()
    proven = sign_in.check_code(outcome.challenge.id, totp_code(root))
    assert proven.user == root
    assert root.is_staff
    assert Assignment.objects.get().role.name == "admin"
    assert shown["app key"].strip() == TOTPFactor.objects.get().secret_base32


def test_there_is_one_first_administrator():
    bootstrap()

    with pytest.raises(CommandError, match="already"):
        bootstrap("second", "second@example.org")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("username", "email"), [("not a name", "a@example.org"), ("root", "nobody")]
)
def test_it_says_what_is_wrong_and_makes_nothing(username, email):
    with pytest.raises(CommandError):
        bootstrap(username, email)

    assert User.objects.count() == 0
    assert TOTPFactor.objects.count() == 0

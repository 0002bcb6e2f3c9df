import json
import stat
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from accounts.models import TOTPFactor, User
from accounts.services import sign_in
from chatsec.demo.people import (
    PEOPLE,
    current_code,
    demo_file,
    load_people,
    seed_people,
)
from rbac.models import Assignment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_data_dir(settings, tmp_path):
    settings.CHATSEC_DATA_DIR = tmp_path / "data"


def check(person, password=None):
    return sign_in.check_password(
        RequestFactory().post("/"),
        name=person.username,
        password=password or person.password,
    )


def test_everybody_can_sign_in_as_the_file_says():
    seeded = seed_people()

    for person in seeded:
        outcome = check(person)
        if person.totp_secret is None:
            assert outcome.user.username == person.username
        else:
            proven = sign_in.check_code(outcome.challenge.id, current_code(person))
            assert proven.user.username == person.username
    assert [p.username for p in seeded if p.totp_secret] == ["carol", "dan", "admin"]


def test_the_cast_is_as_described():
    seed_people()

    alice, bob = User.objects.get(username="alice"), User.objects.get(username="bob")
    assert bob.manager == alice
    assert (alice.region, alice.team) == (bob.region, bob.team) == ("north", "north-1")
    assert alice.approval_limit == 1000
    staff = User.objects.filter(is_staff=True).values_list("username", flat=True)
    assert list(staff) == ["admin"]
    roles = Assignment.objects.values_list("user__username", "role__name")
    assert set(roles) == {(person.username, person.role) for person in PEOPLE}


def test_the_file_is_the_owners_only_and_in_shape():
    seed_people()

    assert stat.S_IMODE(demo_file().stat().st_mode) == 0o600
    document = json.loads(demo_file().read_text())
    assert set(document) == {"users", "api_base"}
    assert document["api_base"].startswith("http://localhost")
    for user in document["users"]:
        assert set(user) == {"username", "password", "totp_secret", "roles"}


def test_a_second_run_changes_nothing():
    first = seed_people()
    people, factors = User.objects.count(), TOTPFactor.objects.count()

    second = seed_people()

    assert second == first == load_people()
    assert (User.objects.count(), TOTPFactor.objects.count()) == (people, factors)
    assert check(second[0]).user.username == "alice"


def test_a_lost_file_gives_new_passwords():
    first = seed_people()
    demo_file().unlink()

    second = seed_people()

    assert second[0].password != first[0].password
    assert check(second[0]).user.username == "alice"
    assert second[2].totp_secret == first[2].totp_secret


def test_secrets_differ_between_installations(settings, tmp_path):
    first = seed_people()
    User.objects.all().delete()
    settings.CHATSEC_DATA_DIR = tmp_path / "other"

    second = seed_people()

    pairs = zip(first, second, strict=True)
    assert all(a.password != b.password for a, b in pairs)
    assert first[2].totp_secret != second[2].totp_secret


def test_production_has_no_demo(settings):
    settings.PRODUCTION = True

    with pytest.raises(ImproperlyConfigured):
        seed_people()
    with pytest.raises(CommandError):
        call_command("demo_users")
    assert User.objects.count() == 0


def test_the_command_shows_passwords_and_codes():
    seeded = seed_people()
    out = StringIO()

    call_command("demo_users", stdout=out)

    shown = out.getvalue()
    for person in seeded:
        line = next(each for each in shown.splitlines() if person.password in each)
        assert line.split()[:2] == [person.username, person.password]


def test_the_command_says_when_there_is_no_demo():
    with pytest.raises(CommandError, match="make run"):
        call_command("demo_users")

"""The cookie changes when its person is given or loses a role."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuthSession
from rbac.tests.factories import give_role

pytestmark = pytest.mark.django_db


def cookie(client):
    return client.cookies["session"].value


def test_a_role_changes_the_cookie_at_the_next_page(bob, browser):
    client = browser(bob)
    client.get("/account")
    before = cookie(client)
    assert client.get("/account").status_code == 200
    assert cookie(client) == before

    give_role(bob, "employee")
    assert client.get("/account").status_code == 200

    assert cookie(client) != before
    assert AuthSession.objects.filter(user=bob, revoked_at__isnull=True).count() == 1
    after = cookie(client)
    client.get("/account")
    assert cookie(client) == after


def test_a_cookie_that_was_learned_before_opens_nothing(bob, browser):
    client, thief = browser(bob), Client()
    thief.cookies["session"] = cookie(client)
    assert thief.get("/account").status_code == 200

    give_role(bob, "employee")
    client.get("/account")

    assert thief.get("/account").status_code == 302


def test_losing_a_role_changes_it_too(bob, browser):
    client = browser(bob)
    before = cookie(client)

    bob.role_assignments.all().update(revoked_at=timezone.now())
    client.get("/account")

    assert cookie(client) != before


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/v1/auth/sessions", {}),
        ("/account", {"Sec-Fetch-Mode": "cors"}),
    ],
)
def test_what_a_script_asks_leaves_it(bob, browser, path, headers):
    client = browser(bob)
    before = cookie(client)
    give_role(bob, "employee")

    assert client.get(path, headers=headers).status_code == 200

    assert cookie(client) == before


def test_a_form_that_was_open_still_arrives(bob, browser):
    client = browser(bob)
    before = cookie(client)
    give_role(bob, "employee")

    assert client.post("/account/notices/seen").status_code == 302

    assert cookie(client) == before


def test_other_people_keep_theirs(alice, bob, browser):
    client = browser(alice)
    before = cookie(client)

    give_role(bob, "employee")
    client.get("/account")

    assert cookie(client) == before

"""My security: devices and recent activity."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuthSession, Notice
from accounts.notices import API_KEY_MADE, PASSWORD_CHANGED
from accounts.selectors import list_live_sessions
from accounts.services import notices, sessions
from accounts.tests.factories import make_session, make_user, sign_in_browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(alice):
    return sign_in_browser(Client(), alice)


def page(client):
    return client.get("/account").content.decode()


def test_a_device_gets_a_name(alice, client):
    phone = make_session(alice)

    client.post(f"/account/sessions/{phone.id}/name", {"name": "My <phone>"})

    assert "My &lt;phone&gt;" in page(client)


def test_a_name_that_is_too_long_is_said(alice, client):
    phone = make_session(alice)

    client.post(f"/account/sessions/{phone.id}/name", {"name": "x" * 65})

    assert "too long" in page(client)


def test_nobody_names_another_ones_device(client):
    theirs = make_session(make_user("charlie"))

    client.post(f"/account/sessions/{theirs.id}/name", {"name": "Mine"})

    assert AuthSession.objects.get(id=theirs.id).name == ""


def test_everywhere_else_is_signed_out(alice, client):
    for _ in range(3):
        make_session(alice)

    answer = client.post("/account/sessions/revoke-others", follow=True)

    assert "3 devices are signed out" in answer.content.decode()
    assert list_live_sessions(alice, now=timezone.now()).count() == 1


def test_connected_apps_are_no_devices(alice, client):
    sessions.start_session(
        alice, kind="oauth", amr=("pwd",), scopes=(), client_name="Kitchen speaker"
    )

    shown = client.get("/account").context["sessions"]

    assert "oauth" not in {each.kind for each in shown}


def test_recent_activity_is_shown_until_it_is_seen(alice, client):
    notices.mark_seen(alice)
    notices.notify(alice, API_KEY_MADE, facts={"name": "<i>robot</i>"})

    before = page(client)
    client.post("/account/notices/seen")
    after = page(client)

    assert "An API key was made" in before
    assert "&lt;i&gt;robot" in before
    assert "1 new" in before
    assert "1 new" not in after
    assert "An API key was made" in after


def test_reading_the_page_changes_nothing(alice, client):
    notices.notify(alice, PASSWORD_CHANGED)

    page(client)

    assert set(Notice.objects.values_list("seen_at", flat=True)) == {None}


def test_other_peoples_activity_is_theirs(client):
    notices.notify(make_user("charlie"), API_KEY_MADE, facts={"name": "charlies-key"})

    assert "charlies-key" not in page(client)


@pytest.mark.parametrize("path", ["sessions/revoke-others", "notices/seen"])
def test_changes_are_posted_by_somebody_signed_in(client, path):
    assert client.get(f"/account/{path}").status_code == 405
    assert Client().post(f"/account/{path}").status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(f"/account/{path}").status_code == 403


def test_the_page_costs_the_same_however_much_there_is(alice, client):
    def cost():
        with CaptureQueriesContext(connection) as seen:
            client.get("/account")
        return len(seen)

    cost()  # the first page of a process compiles the policy
    few = cost()
    for _ in range(5):
        make_session(alice)
        notices.notify(alice, PASSWORD_CHANGED)
    assert cost() == few

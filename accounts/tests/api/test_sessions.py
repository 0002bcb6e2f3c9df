"""Devices and recent activity over the API: one's own, and other people's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from uuid_utils.compat import uuid7

from accounts.models import AuthSession, Notice
from accounts.notices import PASSWORD_CHANGED
from accounts.services import notices, sessions
from accounts.tests.factories import make_session
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db

MINE = "/api/v1/auth/sessions"


@pytest.fixture
def phone(alice):
    return make_session(alice, kind="browser")


def test_one_names_ones_own_device(alice, phone, api):
    client = api(alice)

    answer = client.patch(f"{MINE}/{phone.id}", {"name": "Phone"})

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["device"]) == ("Phone", "Phone")
    assert client.get(f"{MINE}/{phone.id}").json()["name"] == "Phone"
    assert answer.json()["current"] is False


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": "x" * 65}, {"name": []}])
def test_a_bad_name_is_a_clear_refusal(alice, phone, api, body):
    answer = api(alice).patch(f"{MINE}/{phone.id}", body)

    assert answer.status_code == 400
    assert "name" in answer.json()["errors"]


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_another_ones_device_is_not_there(bob, charlie, phone, api, method):
    for stranger in (bob, charlie):
        call = getattr(api(stranger), method)

        assert call(f"{MINE}/{phone.id}", {"name": "Mine"}).status_code == 404
    phone.refresh_from_db()
    assert (phone.revoked_at, phone.name) == (None, "")


def test_everywhere_else_ends_and_here_goes_on(alice, phone, charlie, api):
    client = api(alice)
    app = sessions.start_session(alice, kind="oauth", amr=("pwd",), scopes=())
    others = make_session(charlie)

    answer = client.delete(MINE)

    assert answer.json() == {"ended": 2}
    assert client.get(MINE).json()["results"][0]["current"] is True
    for gone in (phone, app):
        gone.refresh_from_db()
        assert gone.revoked_because == "revoked_by_owner"
    others.refresh_from_db()
    assert others.revoked_at is None
    assert client.delete(MINE).json() == {"ended": 0}


def test_a_connected_app_is_listed_with_its_scopes(alice, api):
    sessions.start_session(
        alice, kind="oauth", amr=("pwd",), scopes=("a",), client_name="Voice"
    )

    listed = {each["kind"]: each for each in api(alice).get(MINE).json()["results"]}

    assert (listed["oauth"]["client"], listed["oauth"]["scopes"]) == ("Voice", ["a"])
    assert listed["token"]["scopes"] is None


def test_what_happened_is_listed_and_seen(alice, charlie, api):
    notices.notify(alice, PASSWORD_CHANGED)
    notices.notify(charlie, PASSWORD_CHANGED)
    client = api(alice)

    [told] = client.get("/api/v1/auth/notices").json()["results"]
    assert told["title"] == "Your password was changed"
    assert told["seen_at"] is None

    assert client.post("/api/v1/auth/notices/seen").status_code == 204
    [told] = client.get("/api/v1/auth/notices").json()["results"]
    assert told["seen_at"] is not None
    assert Notice.objects.get(user=charlie).seen_at is None


def test_lists_cost_the_same_however_long(alice, api):
    client = api(alice)

    def cost():
        with CaptureQueriesContext(connection) as seen:
            client.get(MINE)
            client.get("/api/v1/auth/notices")
        return len(seen)

    notices.notify(alice, PASSWORD_CHANGED)
    cost()  # the first one loads the policy
    few = cost()
    for _ in range(5):
        make_session(alice)
        notices.notify(alice, PASSWORD_CHANGED)
    assert cost() == few


def test_an_administrator_sees_and_ends_anybodys_devices(admin, alice, phone, api):
    client = api(admin)
    path = f"/api/v1/users/{alice.id}/sessions"
    other = make_session(alice)

    listed = client.get(path).json()["results"]
    assert {each["id"] for each in listed} == {str(phone.id), str(other.id)}
    assert "user_agent" not in listed[0]
    assert client.delete(f"{path}/{phone.id}").status_code == 204
    phone.refresh_from_db()
    assert phone.revoked_because == "revoked_by_admin"
    assert client.delete(path).json() == {"ended": 1}
    assert client.get(path).json()["results"] == []
    assert list_events(event_type="accounts.session_revoked").count() == 2


def test_what_is_not_there_is_not_found(admin, alice, bob, phone, api):
    client = api(admin)

    for path in (
        f"/api/v1/users/{uuid7()}/sessions",
        f"/api/v1/users/{alice.id}/sessions/{uuid7()}",
        f"/api/v1/users/{bob.id}/sessions/{phone.id}",
    ):
        assert client.delete(path).status_code == 404
    assert AuthSession.objects.get(id=phone.id).revoked_at is None


def test_nobody_else_ends_other_peoples_devices(alice, bob, charlie, phone, api):
    path = f"/api/v1/users/{alice.id}/sessions"

    for who in (bob, charlie):
        client = api(who)
        assert client.get(path).status_code == 403
        assert client.delete(path).status_code == 403
        assert client.delete(f"{path}/{phone.id}").status_code == 403
    assert api().get(path).status_code == 401
    phone.refresh_from_db()
    assert phone.revoked_at is None

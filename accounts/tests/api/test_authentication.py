import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import AuthSession
from accounts.services import people, sessions, tokens
from accounts.tests.factories import (
    access_token,
    make_session,
    make_user,
    sign_in_browser,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/auth/sessions"


def bearer(token):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_nobody_is_told_to_log_in():
    answer = APIClient().get(LIST)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["detail"] == "Please log in to use the chatbot"


def test_a_token_signs_in():
    assert bearer(access_token(make_user("alice"))).get(LIST).status_code == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme):
    client = APIClient()
    token = access_token(make_user("alice"))
    client.credentials(HTTP_AUTHORIZATION=f"{scheme} {token}")

    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\xff", "a" * 9000, "a b"])
def test_it_refuses_what_is_no_token(token):
    answer = bearer(token).get(LIST)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "invalid_token"
    assert answer.json()["detail"] == "Please log in to use the chatbot"


def test_a_refresh_token_is_no_access_token():
    pair = tokens.issue(make_session(make_user("alice")))

    assert bearer(pair.refresh).get(LIST).status_code == 401


@pytest.mark.parametrize(
    "end",
    [
        lambda user: sessions.revoke_all_sessions(user, because="test"),
        people.close_account,
        lambda user: people.set_password(user, "another long passphrase"),
        lambda user: user.delete(),
        lambda user: type(user).objects.update(is_active=False),
        lambda user: AuthSession.objects.update(user=make_user("charlie")),
    ],
)
def test_an_ended_session_is_refused_at_once(end):
    alice = make_user("alice")
    client = bearer(access_token(alice))
    assert client.get(LIST).status_code == 200

    end(alice)

    assert client.get(LIST).status_code == 401


def test_it_takes_one_query_to_know_who_asks():
    client = bearer(access_token(make_user("alice")))
    client.get(LIST)

    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.delete("/api/v1/auth/sessions/not-a-session")
    assert len(captured) == 0  # no route, no question who asks

    with CaptureQueriesContext(connection) as captured:
        client.post("/api/v1/auth/step-up", {}, format="json")
    asked = [q["sql"] for q in captured if "accounts_authsession" in q["sql"]]
    assert len(asked) == 1
    assert '"accounts_user"' in asked[0]


def test_a_cookie_session_reads_and_its_writes_need_the_csrf_token():
    alice = make_user("alice")
    other = make_session(alice)
    client = sign_in_browser(APIClient(enforce_csrf_checks=True), alice)

    assert client.get(LIST).status_code == 200
    assert client.delete(f"{LIST}/{other.id}").status_code == 403
    assert AuthSession.objects.get(id=other.id).revoked_at is None

    token = "a" * 32
    client.cookies["csrf"] = token
    answer = client.delete(f"{LIST}/{other.id}", HTTP_X_CSRFTOKEN=token)
    assert answer.status_code == 204

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuthSession
from accounts.tests.factories import (
    PASSWORD,
    access_token,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.test_factors import wrong_code

pytestmark = pytest.mark.django_db


def client_of(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(user)}")
    return client


def test_a_code_steps_the_session_up():
    alice = make_user("alice", totp=True)

    answer = client_of(alice).post("/api/v1/auth/step-up", {"code": totp_code(alice)})

    session = AuthSession.objects.get()
    assert answer.status_code == 200
    assert answer.data["session_id"] == str(session.id)
    assert answer.data["stepped_up_at"] == session.stepped_up_at
    assert answer.data["expires_in"] == 300


def test_the_password_proves_who_has_no_second_factor():
    client = client_of(make_user("bob"))

    answer = client.post("/api/v1/auth/step-up", {"password": PASSWORD})

    assert answer.status_code == 200
    assert answer.data["password_confirmed_at"] is not None
    assert answer.data["stepped_up_at"] is None


def test_the_password_is_refused_where_there_is_a_second_factor():
    client = client_of(make_user("alice", totp=True))

    answer = client.post("/api/v1/auth/step-up", {"password": PASSWORD})

    assert answer.status_code == 403
    assert answer.json()["code"] == "step_up_required"
    assert answer.json()["methods"] == ["totp"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"code": "123456", "password": "x"}, 400, "invalid"),
        ({"password": "not the password"}, 400, "wrong_password"),
        ({"code": "123456"}, 403, "factor_required"),
        ({"code": ["123456"]}, 400, "invalid"),
    ],
)
def test_anything_else_is_refused(body, status, code):
    answer = client_of(make_user("bob")).post("/api/v1/auth/step-up", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_wrong_code_is_said_to_be_wrong():
    alice = make_user("alice", totp=True)

    answer = client_of(alice).post("/api/v1/auth/step-up", {"code": wrong_code(alice)})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_code")


def test_nobody_signed_in_is_refused():
    assert APIClient().post("/api/v1/auth/step-up", {"code": "1"}).status_code == 401


def test_a_browser_gets_a_new_cookie_and_counts_as_verified():
    alice = make_user("alice", totp=True)
    client = sign_in_browser(Client(), alice)
    cookie = client.cookies["session"].value

    answer = client.post(
        "/api/v1/auth/step-up",
        {"code": totp_code(alice)},
        content_type="application/json",
    )

    assert answer.status_code == 200
    assert client.cookies["session"].value != cookie


def test_a_tokens_step_up_leaves_the_browser_beside_it_alone():
    bob = make_user("bob")
    browser = sign_in_browser(Client(), bob)
    client = client_of(bob)
    client.cookies = browser.cookies
    before = browser.cookies[settings.SESSION_COOKIE_NAME].value

    answer = client.post("/api/v1/auth/step-up", {"password": PASSWORD})

    assert answer.status_code == 200
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value == before
    assert AuthSession.objects.get(kind="browser").password_confirmed_at is None

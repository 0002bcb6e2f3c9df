"""Codes: for a minute, once, for one app, and what they are exchanged for."""

from datetime import timedelta

import jwt
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import access_tokens
from accounts.models import AuthorizationCode, AuthSession, Notice
from accounts.services import people
from accounts.tests.oauth.app import App, app_session, is_refused, register
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db


def test_a_code_is_exchanged_for_tokens_of_a_session(phone, browser, alice):
    answer = phone.exchange(phone.get_code(browser(alice)))

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    told = answer.json()
    assert told["token_type"] == "Bearer"
    assert told["expires_in"] == 600
    assert told["scope"] == "chat openid"
    session = app_session()
    assert session.user == alice
    assert session.application == phone.application
    assert session.scopes == ["chat", "openid"]
    assert session.idle_limit == timedelta(days=30)
    assert session.expires_at - session.created_at == timedelta(days=180)
    assert access_tokens.verify(told["access_token"]).session_id == session.id


def test_the_session_is_as_fresh_as_the_sign_in(phone, browser, alice):
    visitor = browser(alice)
    yesterday = timezone.now() - timedelta(hours=3)
    AuthSession.objects.update(authenticated_at=yesterday)

    phone.connect(visitor)

    assert app_session().authenticated_at == yesterday


def test_the_person_is_told_and_it_leaves_evidence(phone, browser, alice):
    phone.connect(browser(alice))

    assert Notice.objects.filter(user=alice, kind="app_connected").count() == 1
    assert list_events(event_type="accounts.app_connected").count() == 1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": "a" * 43}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:49153/signed-in"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"code": "nul\x00"}, "invalid_request"),
        ({"code": "x" * 5000}, "invalid_request"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"},
            "unsupported_grant_type",
        ),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_a_faulty_exchange_opens_nothing(phone, browser, alice, changed, error):
    code = phone.get_code(browser(alice))

    answer = phone.exchange(code, **changed)

    assert is_refused(answer, error), answer.content
    assert not AuthSession.objects.filter(kind="oauth").exists()


def test_the_openid_grant_type_of_the_library_is_none_of_ours(phone, browser, alice):
    code = phone.get_code(browser(alice))

    assert phone.exchange(code, grant_type="openid").status_code == 400


def test_the_challenge_as_verifier_is_a_downgrade_that_fails(phone, browser, alice):
    code = phone.get_code(browser(alice))

    answer = phone.exchange(
        code, code_verifier=phone.challenge, code_challenge_method="plain"
    )

    assert is_refused(answer, "invalid_grant")


def test_a_code_holds_for_a_minute(phone, browser, alice):
    code = phone.get_code(browser(alice))
    AuthorizationCode.objects.update(expires_at=timezone.now())

    assert is_refused(phone.exchange(code), "invalid_grant")


def test_a_code_used_twice_ends_what_it_opened(phone, browser, alice):
    code = phone.get_code(browser(alice))
    told = phone.exchange(code).json()

    again = phone.exchange(code)

    assert is_refused(again, "invalid_grant")
    assert app_session().revoked_because == "code_replayed"
    assert is_refused(phone.refresh(told["refresh_token"]), "invalid_grant")
    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 401
    assert list_events(event_type="accounts.code_replayed").count() == 1


def test_a_code_is_good_for_its_app_only(phone, browser, alice):
    other = App(*register(name="Other"))
    other.verifier = phone.verifier
    code = phone.get_code(browser(alice))

    assert is_refused(other.exchange(code), "invalid_grant")
    assert phone.exchange(code).status_code == 200


def test_a_code_ends_with_the_browser_session(phone, browser, alice):
    visitor = browser(alice)
    code = phone.get_code(visitor)
    visitor.post(reverse("sign-out"))

    assert is_refused(phone.exchange(code), "invalid_grant")


def test_a_code_of_a_closed_account_is_worth_nothing(phone, browser, alice):
    code = phone.get_code(browser(alice))
    people.close_account(alice)

    assert is_refused(phone.exchange(code), "invalid_grant")


def test_an_id_token_tells_the_app_who_signed_in(phone, browser, alice):
    told = phone.connect(browser(alice), nonce="n0nce")
    keys = Client().get("/.well-known/jwks.json").json()["keys"]

    claims = jwt.decode(
        told["id_token"],
        jwt.PyJWK(keys[0]).key,
        algorithms=["EdDSA"],
        audience=phone.application.client_id,
        issuer="http://localhost:8000",
    )

    assert jwt.get_unverified_header(told["id_token"])["typ"] == "JWT"
    assert claims["sub"] == str(alice.id)
    assert claims["nonce"] == "n0nce"
    assert claims["amr"] == ["pwd"]
    assert claims["exp"] - claims["iat"] == 600
    session = app_session()
    assert claims["auth_time"] == int(session.authenticated_at.timestamp())


def test_without_openid_there_is_no_id_token(phone, browser, alice):
    assert "id_token" not in phone.connect(browser(alice), scope="chat")

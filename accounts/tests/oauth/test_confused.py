"""One kind of token shown where another belongs."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from django.test import Client

from accounts import access_tokens
from accounts.models import AuthSession
from accounts.services import tokens
from accounts.tests.factories import make_session
from accounts.tests.oauth.app import App, register

pytestmark = pytest.mark.django_db

CATALOGUE = "/api/v1/catalogue"
USERINFO = "/o/userinfo"


@pytest.fixture
def connected(phone, browser, alice):
    """Return the tokens of an app that may know who alice is."""
    return phone.connect(browser(alice), scope="chat openid profile email")


def call(path, token, scheme="Bearer"):
    return Client().get(path, headers={"Authorization": f"{scheme} {token}"})


@pytest.mark.parametrize("path", [CATALOGUE, USERINFO])
@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_only_access_tokens_give_access(connected, path, kind):
    assert call(path, connected[kind]).status_code == 401
    assert call(path, connected["access_token"]).status_code == 200


@pytest.mark.parametrize("path", [CATALOGUE, USERINFO])
def test_a_code_gives_no_access(phone, browser, alice, path):
    assert call(path, phone.get_code(browser(alice))).status_code == 401


@pytest.mark.parametrize("kind", ["id_token", "access_token"])
def test_only_refresh_tokens_refresh(phone, connected, kind):
    assert phone.refresh(connected[kind]).status_code == 400


@pytest.mark.parametrize("kind", ["id_token", "access_token", "refresh_token"])
def test_no_token_is_a_code(phone, connected, kind):
    assert phone.exchange(connected[kind]).status_code == 400


def test_an_id_token_revokes_nothing(phone, connected):
    phone.post("/o/revoke", token=connected["id_token"])

    assert AuthSession.objects.get(kind="oauth").revoked_at is None


def test_a_token_in_the_address_or_the_body_is_not_read(connected):
    access = connected["access_token"]

    assert Client().get(f"{USERINFO}?access_token={access}").status_code == 401
    assert Client().get(f"{CATALOGUE}?access_token={access}").status_code == 401
    posted = Client().post(USERINFO, {"access_token": access})
    assert posted.status_code == 401


def test_a_plain_sign_in_is_no_connected_app(alice):
    pair = tokens.issue(make_session(alice))

    assert call(USERINFO, pair.access).status_code == 403


def test_a_cookie_is_no_token(browser, alice):
    assert browser(alice).get(USERINFO).status_code == 401


def changed(token, **claims):
    head, body, seal = token.split(".")
    held = json.loads(urlsafe_b64decode(body + "=="))
    held.update(claims)
    body = urlsafe_b64encode(json.dumps(held).encode()).rstrip(b"=").decode()
    return ".".join((head, body, seal))


def test_a_changed_token_gives_no_access(connected, bob):
    access = connected["access_token"]
    head, body, seal = access.split(".")
    bent = ("B" if seal[0] == "A" else "A") + seal[1:]  # the last bits may be filling
    none = urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"k1"}').decode()

    for forged in (
        changed(access, sub=str(bob.id)),
        changed(access, exp=9999999999),
        changed(access, aud="other"),
        f"{head}.{body}.",
        f"{head}.{body}.{bent}",
        f"{none.rstrip('=')}.{body}.",
        f"{head}.{body}.{seal}.{seal}",
    ):
        assert call(CATALOGUE, forged).status_code == 401


def test_an_id_token_signed_as_access_token_is_of_no_session(phone, alice, browser):
    """The key is the same: type and audience keep them apart."""
    phone.connect(browser(alice))
    session = AuthSession.objects.get(kind="oauth")
    claims = {
        "iss": "http://localhost:8000",
        "aud": phone.application.client_id,
        "sub": str(alice.id),
        "sid": str(session.id),
    }

    for token_type in ("JWT", "at+jwt"):
        token = access_tokens.sign_claims(dict(claims), token_type=token_type)
        assert call(CATALOGUE, token).status_code == 401


def test_an_access_token_names_no_client_as_its_audience(phone, connected):
    """So that no app takes one for an ID token that is meant for it."""
    body = connected["access_token"].split(".")[1]
    claims = json.loads(urlsafe_b64decode(body + "=="))

    assert claims["aud"] == access_tokens.AUDIENCE
    assert phone.application.client_id != access_tokens.AUDIENCE


def test_one_apps_session_is_not_anothers(phone, connected, browser, bob):
    other = App(*register(name="Other"))
    others = other.connect(browser(bob))

    assert phone.refresh(others["refresh_token"]).status_code == 400
    assert other.refresh(connected["refresh_token"]).status_code == 400
    for session in AuthSession.objects.filter(kind="oauth"):
        assert session.revoked_because == "token_reuse"


# What an app learns of its person.


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", {"sub"}),
        ("openid profile", {"sub", "preferred_username", "name"}),
        ("openid email", {"sub", "email"}),
        (
            "openid profile email",
            {"sub", "preferred_username", "name", "email"},
        ),
    ],
)
def test_it_learns_what_the_person_agreed_to(phone, browser, alice, scope, claims):
    told = phone.connect(browser(alice), scope=scope)

    for answer in (
        call(USERINFO, told["access_token"]),
        Client().post(
            USERINFO, headers={"Authorization": f"Bearer {told['access_token']}"}
        ),
    ):
        assert answer.status_code == 200
        assert answer.json().keys() == claims
        assert answer.json()["sub"] == str(alice.id)


def test_without_openid_it_does_not_learn_who(phone, browser, alice):
    told = phone.connect(browser(alice), scope="chat")

    refused = call(USERINFO, told["access_token"])

    assert refused.status_code == 403
    assert refused.json()["code"] == "outside_scope"

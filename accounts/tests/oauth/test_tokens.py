"""Tokens of apps: refreshed within one family, revoked, ended with their session."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import AuthSession
from accounts.services import applications, people, sessions
from accounts.tests.oauth.app import FORM, App, app_session, is_refused, register
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db


def test_a_refresh_token_rotates(phone, browser, alice):
    first = phone.connect(browser(alice))

    second = phone.refresh(first["refresh_token"]).json()
    third = phone.refresh(second["refresh_token"]).json()

    tokens = {one["refresh_token"] for one in (first, second, third)}
    assert len(tokens) == 3
    assert third["scope"] == "chat openid"
    assert "id_token" not in third
    assert phone.call("/api/v1/catalogue", third["access_token"]).status_code == 200


def test_a_spent_refresh_token_ends_the_family(phone, browser, alice):
    first = phone.connect(browser(alice))
    second = phone.refresh(first["refresh_token"]).json()

    assert is_refused(phone.refresh(first["refresh_token"]), "invalid_grant")

    assert is_refused(phone.refresh(second["refresh_token"]), "invalid_grant")
    assert phone.call("/api/v1/catalogue", second["access_token"]).status_code == 401
    assert list_events(event_type="accounts.token_reuse").count() == 1


def test_a_lost_answer_can_be_asked_for_again(phone, browser, alice):
    first = phone.connect(browser(alice))
    form = {
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
        "client_id": phone.application.client_id,
    }
    again = {"HTTP_IDEMPOTENCY_KEY": "k-1"}

    one = Client().post("/o/token", urlencode(form), content_type=FORM, **again)
    two = Client().post("/o/token", urlencode(form), content_type=FORM, **again)

    assert one.json() == two.json()
    assert app_session().revoked_at is None


def test_a_refresh_token_in_another_apps_hands_has_leaked(phone, browser, alice):
    other = App(*register(name="Other"))
    first = phone.connect(browser(alice))

    assert is_refused(other.refresh(first["refresh_token"]), "invalid_grant")

    assert is_refused(phone.refresh(first["refresh_token"]), "invalid_grant")
    assert app_session().revoked_because == "token_reuse"


def test_a_confidential_apps_refresh_needs_its_secret(site, browser, alice):
    first = site.connect(browser(alice))

    answer = site.refresh(first["refresh_token"], client_secret=None)

    assert is_refused(answer, "invalid_client", 401)
    assert site.refresh(first["refresh_token"]).status_code == 200


def test_the_plain_refresh_route_does_not_take_an_apps_token(
    phone, browser, api, alice
):
    first = phone.connect(browser(alice))

    plain = api().post(
        "/api/v1/auth/token/refresh", {"refresh": first["refresh_token"]}
    )

    assert plain.status_code == 401
    assert phone.refresh(first["refresh_token"]).status_code == 200


def test_the_provider_does_not_take_a_plain_refresh_token(phone, alice):
    from accounts.services import tokens
    from accounts.tests.factories import make_session

    pair = tokens.issue(make_session(alice))

    assert is_refused(phone.refresh(pair.refresh), "invalid_grant")
    assert tokens.refresh(pair.refresh)


@pytest.mark.parametrize("scope", ["chat openid email", "admin", "chat manage_users"])
def test_a_refresh_cannot_widen_the_scope(phone, browser, alice, scope):
    first = phone.connect(browser(alice))

    assert is_refused(
        phone.refresh(first["refresh_token"], scope=scope), "invalid_scope"
    )
    assert phone.refresh(first["refresh_token"]).status_code == 200


def test_a_refresh_says_that_the_scope_stays_whole(phone, browser, alice):
    first = phone.connect(browser(alice))

    told = phone.refresh(first["refresh_token"], scope="openid").json()

    assert told["scope"] == "chat openid"


@pytest.mark.parametrize(
    "end",
    [
        lambda app, person: sessions.revoke_session(app_session()),
        lambda app, person: people.close_account(person),
        lambda app, person: people.set_password(person, "another horse battery staple"),
        lambda app, person: applications.change_application(app, is_enabled=False),
        lambda app, person: applications.change_application(app, scopes=["openid"]),
        lambda app, person: applications.disconnect_everybody(app),
    ],
    ids=["revoked", "closed", "password", "app off", "app narrowed", "disconnected"],
)
def test_an_ended_session_ends_access_at_once(phone, browser, alice, end):
    told = phone.connect(browser(alice))
    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 200

    end(phone.application, alice)

    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 401
    assert phone.refresh(told["refresh_token"]).status_code in (400, 401)


@pytest.mark.parametrize("days", [30, 180])
def test_a_session_ends_by_itself(phone, browser, alice, days):
    told = phone.connect(browser(alice))
    moved = {
        30: {"last_seen_at": timezone.now() - timedelta(days=30)},
        180: {"expires_at": timezone.now()},
    }
    AuthSession.objects.filter(kind="oauth").update(**moved[days])

    assert is_refused(phone.refresh(told["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "other"])
def test_an_app_signs_itself_out(phone, browser, alice, which, hint):
    told = phone.connect(browser(alice))

    answer = phone.post("/o/revoke", token=told[which], token_type_hint=hint)

    assert answer.status_code == 200
    assert app_session().revoked_because == "revoked_by_app"
    assert phone.call("/api/v1/catalogue", told["access_token"]).status_code == 401


def test_an_app_signs_nobody_else_out(phone, browser, alice):
    other = App(*register(name="Other"))
    told = phone.connect(browser(alice))

    for token in (told["access_token"], told["refresh_token"], "unknown"):
        assert other.post("/o/revoke", token=token).status_code == 200

    assert app_session().revoked_at is None


def test_a_confidential_app_signs_out_with_its_secret(site, browser, alice):
    told = site.connect(browser(alice))

    answer = site.post("/o/revoke", token=told["access_token"], client_secret="no")

    assert is_refused(answer, "invalid_client", 401)
    assert app_session().revoked_at is None


def test_a_revocation_names_a_token(phone):
    assert is_refused(phone.post("/o/revoke"), "invalid_request")

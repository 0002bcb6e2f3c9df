import re

import pytest
from django.urls import reverse

from accounts.models import AuthSession, OAuthApplication
from accounts.services.applications import secret_matches
from accounts.tests.oauth.app import App, register, register_site
from auditlog.selectors import list_events, read_events

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/oauthapplication/"
FORM = {
    "name": "Pocket",
    "description": "Made by the sales team",
    "client_type": "public",
    "redirect_uris": "http://127.0.0.1/signed-in\r\ncom.example.app:/signed-in",
    "scopes": ["openid", "chat"],
    "is_enabled": "on",
}
SECRET = re.compile(r"cso_[A-Za-z0-9_-]{43}")


def test_it_asks_for_fresh_proof(browser, admin):
    app, _ = register_site()
    before = app.secret_digest
    stale = browser(admin)

    for answer in (
        stale.post(f"{LIST}add/", FORM),
        stale.post(f"{LIST}{app.id}/change/", FORM),
        stale.post(
            LIST, {"action": "make_new_secret", "_selected_action": [str(app.id)]}
        ),
    ):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/confirm?")
    assert bytes(OAuthApplication.objects.get().secret_digest) == bytes(before)


def secrets_on(page):
    return SECRET.findall(page.content.decode())


def changes():
    rows = list_events(event_type="accounts.application_changed")
    return [read.details["what"] for read in read_events(list(rows))]


def test_it_registers_a_public_app(office):
    page = office.post(f"{LIST}add/", FORM, follow=True)

    made = OAuthApplication.objects.get()
    assert made.scopes == ["chat", "openid"]
    assert made.redirect_uris.split() == [
        "http://127.0.0.1/signed-in",
        "com.example.app:/signed-in",
    ]
    assert made.secret_digest is None
    assert secrets_on(page) == []
    assert changes() == ["registered"]


def test_it_shows_the_secret_of_a_confidential_app_once(office):
    form = {**FORM, "client_type": "confidential"}
    page = office.post(f"{LIST}add/", form)

    made = OAuthApplication.objects.get()
    (secret,) = secrets_on(page)
    assert secret_matches(made, secret)
    for later in (office.get(LIST), office.get(f"{LIST}{made.id}/change/")):
        assert later.status_code == 200
        assert secrets_on(later) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uris": "http://app.example.org/"},
        {"redirect_uris": "javascript:alert(1)"},
        {"redirect_uris": ""},
        {"scopes": ["admin"]},
        {"scopes": []},
        {"client_type": "other"},
        {"name": ""},
    ],
)
def test_it_says_what_is_wrong(office, wrong):
    page = office.post(f"{LIST}add/", {**FORM, **wrong})

    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert not OAuthApplication.objects.exists()


def test_it_replaces_a_secret(office):
    app, old = register_site()
    chosen = {"action": "make_new_secret", "_selected_action": [str(app.id)]}

    (secret,) = secrets_on(office.post(LIST, chosen))

    app.refresh_from_db()
    assert secret_matches(app, secret)
    assert not secret_matches(app, old)
    assert changes()[0] == "new_secret"


def test_a_public_app_gets_no_secret(office):
    app, _ = register()
    chosen = {"action": "make_new_secret", "_selected_action": [str(app.id)]}

    page = office.post(LIST, chosen, follow=True)

    assert secrets_on(page) == []
    assert "has no secret" in page.content.decode()


def test_switched_off_it_is_disconnected(office, browser, alice):
    app, _ = register()
    App(app).connect(browser(alice))
    form = {name: value for name, value in FORM.items() if name != "is_enabled"}

    office.post(f"{LIST}{app.id}/change/", form)

    app.refresh_from_db()
    assert not app.is_enabled
    session = AuthSession.objects.get(kind="oauth")
    assert session.revoked_because == "app_disconnected"


def test_it_disconnects_an_app_from_everybody(office, browser, alice, bob):
    app, _ = register()
    for person in (alice, bob):
        App(app).connect(browser(person))
    chosen = {"action": "disconnect_everybody", "_selected_action": [str(app.id)]}

    page = office.post(LIST, chosen, follow=True)

    assert "2 connections ended." in page.content.decode()
    live = AuthSession.objects.filter(kind="oauth", revoked_at__isnull=True)
    assert not live.exists()


def test_the_type_of_an_app_is_for_good(office):
    app, _ = register_site()

    office.post(f"{LIST}{app.id}/change/", {**FORM, "client_type": "public"})

    app.refresh_from_db()
    assert app.client_type == "confidential"
    assert app.secret_digest is not None


def test_no_app_is_deleted(office):
    app, _ = register()

    office.post(f"{LIST}{app.id}/delete/", {"post": "yes"})

    assert OAuthApplication.objects.filter(id=app.id).exists()


def test_the_list_asks_a_fixed_number_of_questions(
    office, django_assert_max_num_queries
):
    for number in range(5):
        register(name=f"App {number}")

    with django_assert_max_num_queries(20):
        office.get(LIST)


def test_only_administrators_manage_apps(browser, alice, charlie):
    for person in (alice, charlie):
        assert browser(person).get(LIST).status_code == 302


@pytest.mark.parametrize("model", ["accesstoken", "grant", "idtoken", "refreshtoken"])
def test_the_librarys_token_pages_are_not_there(office, model):
    assert office.get(f"/admin/oauth2_provider/{model}/").status_code == 404


def test_the_index_has_the_apps(office):
    page = office.get(reverse("admin:index")).content.decode()

    assert "Apps that people may connect" in page
    assert "oauth2_provider" not in page

"""Apps ask by forms alone, and wait after many refusals."""

from base64 import b64encode

import pytest
from django.test import Client
from django.utils.http import urlencode

from accounts.services import lockout
from accounts.tests.factories import PASSWORD
from accounts.tests.oauth.app import FORM, basic
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/o/token", "/o/revoke"])
def test_only_forms_are_taken(client, path):
    assert client.get(path).status_code == 405
    assert client.post(path, {}, content_type="application/json").status_code == 400
    assert client.post(f"{path}?code=x", "a=b", content_type=FORM).status_code == 400
    assert client.post(path, "a=b&a=c", content_type=FORM).status_code == 400
    assert client.post(path, "a=%00", content_type=FORM).status_code == 400
    assert client.post(path, b"\xff=\xfe", content_type=FORM).status_code in (400, 401)
    assert client.post(path, "", content_type=FORM).status_code in (400, 401)


FEW = 5


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setitem(lockout.LIMITS, "app", FEW)


@pytest.mark.usefixtures("few")
def test_an_app_that_is_refused_all_the_time_has_to_wait(phone, site, browser, alice):
    code = phone.get_code(browser(alice))
    for _ in range(FEW):
        assert phone.refresh("made-up").status_code == 400

    refused = phone.refresh("made-up")
    right = phone.exchange(code)

    for answer in (refused, right):
        assert answer.status_code == 429
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "rate_limited"
        assert 0 < int(answer["Retry-After"]) <= 300
    # Nobody else is: another app, the same app elsewhere, and people who sign in.
    assert site.refresh("made-up").status_code == 400
    sign_in = {"username": "alice", "password": PASSWORD}
    signed_in = phone.http.post(
        "/api/v1/auth/token", sign_in, content_type="application/json"
    )
    assert signed_in.status_code == 200
    phone.http.defaults["REMOTE_ADDR"] = "198.51.100.9"
    assert phone.exchange(code).status_code == 200


@pytest.mark.usefixtures("few")
def test_made_up_apps_share_one_budget(phone):
    for number in range(FEW):
        given = {"client_id": f"made-up-{number}", "token": "x"}
        assert phone.post("/o/revoke", **given).status_code == 401

    assert phone.post("/o/revoke", client_id="another", token="x").status_code == 429


@pytest.mark.usefixtures("few")
def test_an_app_that_its_header_names_has_its_own_budget(site):
    form = urlencode({"grant_type": "refresh_token", "refresh_token": "x"})

    def ask(header):
        return Client().post("/o/token", form, content_type=FORM, **header)

    for number in range(FEW):
        assert ask(basic(f"made-up-{number}", "x")).status_code == 401
    assert ask(basic("another", "x")).status_code == 429
    for _ in range(FEW):
        guess = ask(basic(site.application.client_id, "guess"))
        assert guess.status_code == 401
    right = ask(basic(site.application.client_id, site.secret))

    assert right.status_code == 429
    refused = list_events(event_type="accounts.app_refused")
    named = [event.resource_id for event in refused if event.resource_id]
    assert named == [str(site.application.id)] * FEW


@pytest.mark.parametrize("name", ["a\x00b", "%00", "\ud800", "%ff"])
def test_a_header_that_names_nothing_is_refused(name):
    form = urlencode({"grant_type": "refresh_token", "refresh_token": "x"})
    given = b64encode(f"{name}:x".encode(errors="surrogatepass")).decode()

    answer = Client(raise_request_exception=False).post(
        "/o/token", form, content_type=FORM, HTTP_AUTHORIZATION=f"Basic {given}"
    )

    assert answer.status_code in {400, 401}


@pytest.mark.usefixtures("few")
def test_an_app_that_is_answered_never_waits(phone, browser, alice):
    told = phone.connect(browser(alice), scope="chat offline_access")
    for _ in range(FEW + 5):
        told = phone.refresh(told["refresh_token"]).json()

    assert told["access_token"]

from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from accounts.models import AuthorizationCode, AuthSession
from accounts.services import applications
from accounts.tests.oauth.app import RETURN_TO, App, came_back, register
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db


def test_it_names_the_app_the_person_and_what_it_may(phone, browser, alice):
    page = phone.ask(browser(alice)).content.decode()

    assert "Connect “Pocket”?" in page
    assert "<strong>alice</strong>" in page
    assert "Ask questions in your name" in page
    assert "Know that it is you." in page
    assert "Read your e-mail address" not in page
    assert RETURN_TO in page


def test_its_form_may_lead_to_the_app_and_nowhere_else(phone, browser, alice):
    policy = phone.ask(browser(alice))["Content-Security-Policy"]

    found = [part for part in policy.split("; ") if part.startswith("form-action")]
    assert found == ["form-action 'self' http://127.0.0.1:49152"]


def test_the_browser_comes_back_with_a_code_state_and_issuer(phone, browser, alice):
    answer = phone.decide(browser(alice))

    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{RETURN_TO}?")
    told = came_back(answer)
    assert told.keys() == {"code", "state", "iss"}
    assert told["state"] == "st4te"
    assert told["iss"] == "http://localhost:8000"


@pytest.mark.parametrize("decision", ["deny", "", "allowed", "ALLOW"])
def test_anything_but_yes_is_no(phone, browser, alice, decision):
    told = came_back(phone.decide(browser(alice), decision))

    assert told["error"] == "access_denied"
    assert told["iss"] == "http://localhost:8000"
    assert "code" not in told
    assert not AuthorizationCode.objects.exists()


def test_a_stranger_signs_in_first_and_comes_back(phone, client):
    answer = phone.ask(client)

    assert answer.status_code == 302
    assert urlsplit(answer["Location"]).path == "/sign-in"
    assert "next=%2Fo%2Fauthorize%3F" in answer["Location"]


def test_nobody_says_yes_without_being_signed_in(phone, client):
    phone.decide(client)

    assert not AuthorizationCode.objects.exists()


def test_reading_the_page_gives_no_code(phone, browser, alice):
    phone.ask(browser(alice))

    assert not AuthorizationCode.objects.exists()


def test_a_post_from_another_site_is_refused(phone, alice):
    from django.test import Client

    from accounts.tests.factories import sign_in_browser

    visitor = sign_in_browser(Client(enforce_csrf_checks=True), alice)

    answer = phone.decide(visitor)

    assert answer.status_code == 403
    assert not AuthorizationCode.objects.exists()


def test_an_agreement_leaves_evidence(phone, browser, alice):
    phone.get_code(browser(alice))

    assert list_events(event_type="accounts.app_consent_given").count() == 1


def test_the_code_is_kept_as_a_digest(phone, browser, alice):
    raw = phone.get_code(browser(alice))

    kept = AuthorizationCode.objects.get()
    assert raw.encode() not in bytes(kept.digest)
    assert kept.expires_at - kept.created_at == timezone.timedelta(seconds=60)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"response_type": "code id_token"}, "unauthorized_client"),
        ({"response_type": "none"}, "unauthorized_client"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "a" * 44}, "invalid_request"),
        ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "chat manage_users"}, "invalid_scope"),
        ({"scope": "*"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"nonce": "n" * 256}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
        ({"prompt": "none login"}, "invalid_request"),
    ],
)
def test_the_app_is_told_what_is_wrong(phone, browser, alice, changed, error):
    visitor = browser(alice)

    for answer in (phone.ask(visitor, **changed), phone.decide(visitor, **changed)):
        assert answer.status_code == 302
        assert answer["Location"].startswith(f"{RETURN_TO}?")
        told = came_back(answer)
        assert told["error"] == error
        assert told["state"] == "st4te"
        assert told["iss"] == "http://localhost:8000"
    assert not AuthorizationCode.objects.exists()


def test_a_silent_request_of_a_stranger_needs_a_sign_in(phone, client):
    assert came_back(phone.ask(client, prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": None},
        {"client_id": "unknown"},
        {"client_id": "nul\x00"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": ""},
        {"state": "x" * 2049},
        {"state": "nul\x00"},
        {"response_mode": "fragment"},
        {"max_age": "-1"},
        {"max_age": "soon"},
    ],
)
def test_a_request_that_cannot_be_trusted_goes_nowhere(phone, browser, alice, changed):
    visitor = browser(alice)

    for answer in (phone.ask(visitor, **changed), phone.decide(visitor, **changed)):
        assert answer.status_code == 400
        assert "Location" not in answer


@pytest.mark.parametrize("name", ["client_id", "scope", "state", "nonce", "prompt"])
def test_a_parameter_that_is_given_twice_is_refused(phone, browser, alice, name):
    twice = f"{phone.address(nonce='n', prompt='consent')}&{name}=other"

    answer = browser(alice).get(twice)

    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "prompt"])
def test_the_form_cannot_change_what_was_shown(phone, browser, alice, name):
    answer = browser(alice).post(phone.address(), {"decision": "allow", name: "other"})

    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["client_id=%zz", "%00=1", "a", "=&=&=", "%ff=%fe"])
def test_a_garbled_address_is_no_fault_of_ours(browser, alice, query):
    assert browser(alice).get(f"/o/authorize?{query}").status_code == 400


def test_an_app_asks_for_no_more_than_it_was_registered_for(browser, alice):
    narrow = App(*register(scopes=["openid"]))

    told = came_back(narrow.ask(browser(alice), scope="openid chat"))

    assert told["error"] == "invalid_scope"


def test_an_app_that_is_switched_off_is_unknown(phone, browser, alice):
    applications.change_application(phone.application, is_enabled=False)

    assert phone.ask(browser(alice)).status_code == 400


def test_an_older_sign_in_than_the_app_wants_is_not_enough(phone, browser, alice):
    visitor = browser(alice)
    long_ago = timezone.now() - timezone.timedelta(seconds=61)
    AuthSession.objects.update(authenticated_at=long_ago)

    assert phone.ask(visitor, max_age="61000").status_code == 200
    answer = phone.ask(visitor, max_age="60")
    assert urlsplit(answer["Location"]).path == "/sign-in"


def test_who_signed_in_just_now_is_not_sent_round(phone, browser, alice):
    visitor = browser(alice)

    assert phone.ask(visitor, max_age="0").status_code == 200
    AuthSession.objects.update(
        authenticated_at=timezone.now() - timezone.timedelta(seconds=31)
    )
    assert phone.ask(visitor, max_age="0").status_code == 302


def test_a_sign_in_that_is_asked_for_anew_is_made_anew(phone, browser, alice):
    from accounts.tests.factories import PASSWORD

    visitor = browser(alice)
    AuthSession.objects.update(
        authenticated_at=timezone.now() - timezone.timedelta(minutes=6)
    )

    form = visitor.get(phone.ask(visitor, prompt="login")["Location"])
    assert form.status_code == 200
    signed_in = visitor.post(
        "/sign-in",
        {
            "username": "alice",
            "password": PASSWORD,
            "next": form.context["next"],
        },
    )

    page = visitor.get(signed_in["Location"])
    assert "Connect “Pocket”?" in page.content.decode()

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path

from accounts.models import AuthSession
from accounts.tests.factories import (
    PASSWORD,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.test_factors import wrong_code
from accounts.views.confirm import recent_proof_required

pytestmark = pytest.mark.django_db


@recent_proof_required
def vault(request):
    return HttpResponse(f"open to {request.method}")


urlpatterns = [path("vault", vault), path("", include("chatsec.urls"))]


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


def browser(user, **state):
    return sign_in_browser(Client(), user, **state)


def test_a_guarded_page_sends_the_visitor_to_confirm_and_back():
    client = browser(make_user("bob"))

    away = client.get("/vault?door=2")
    assert away["Location"] == "/account/confirm?next=%2Fvault%3Fdoor%3D2"
    page = client.get(away["Location"])
    assert b'name="password"' in page.content
    back = client.post(
        "/account/confirm", {"password": PASSWORD, "next": "/vault?door=2"}
    )

    assert back["Location"] == "/vault?door=2"
    assert client.get("/vault?door=2").content == b"open to GET"
    assert client.post("/vault").content == b"open to POST"


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/account?tab=2", "/account?tab=2"),
        ("https://evil.example/account", "/account"),
        ("http://testserver@evil.example/x", "/account"),
        ("javascript:alert(1)", "/account"),
        ("", "/account"),
    ],
)
def test_a_late_form_comes_back_to_its_page(referer, back):
    client = browser(make_user("bob"))

    away = client.post("/vault", headers={"Referer": referer})

    assert away.status_code == 302
    location = away["Location"].replace("%2F", "/").replace("%3F", "?")
    assert location.replace("%3D", "=") == f"/account/confirm?next={back}"


def test_nobody_is_sent_to_sign_in():
    assert Client().get("/vault")["Location"].startswith("/sign-in?next=")
    assert Client().get("/account/confirm")["Location"].startswith("/sign-in?next=")


def test_who_has_a_second_factor_is_asked_for_a_code():
    alice = make_user("alice", totp=True)
    client = browser(alice)
    cookie = client.cookies["session"].value

    page = client.get("/account/confirm?next=/vault")
    assert b'name="code"' in page.content
    assert b'name="password"' not in page.content
    done = client.post("/account/confirm", {"code": totp_code(alice), "next": "/vault"})

    assert done["Location"] == "/vault"
    assert client.cookies["session"].value != cookie
    assert client.get("/vault").content == b"open to GET"
    # Proven already: not asked twice.
    assert client.get("/account/confirm?next=/vault")["Location"] == "/vault"


@pytest.mark.parametrize("given", ["not the password", "", "x" * 2000])
def test_a_wrong_password_opens_nothing(given):
    client = browser(make_user("bob"))

    page = client.post("/account/confirm", {"password": given, "next": "/vault"})

    assert page.status_code == 400
    assert b'role="alert"' in page.content
    assert client.get("/vault").status_code == 302


def test_too_many_tries_are_told_how_long_to_wait():
    alice = make_user("alice", totp=True)
    client = browser(alice)
    for _ in range(5):
        client.post("/account/confirm", {"code": wrong_code(alice)})

    page = client.post("/account/confirm", {"code": totp_code(alice)})

    assert page.status_code == 429
    assert int(page["Retry-After"]) > 0


def test_a_confirmed_code_verifies_a_browser_that_signed_in_without_one():
    bob = make_user("bob")
    client = browser(bob)
    from accounts.models import TOTPFactor
    from accounts.services.factors import enrol_totp

    TOTPFactor.objects.filter(id=enrol_totp(bob).id).update(confirmed=True)
    assert not client.get("/account").context["user"].is_verified()

    client.post("/account/confirm", {"code": totp_code(bob)})

    assert client.get("/account").context["user"].is_verified()
    assert "mfa" in AuthSession.objects.get(user=bob).amr


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example"])
def test_it_never_leads_to_another_site(target):
    client = browser(make_user("bob"))

    done = client.post("/account/confirm", {"password": PASSWORD, "next": target})

    assert done["Location"] == "/"

import re
from urllib.parse import unquote

import pytest
from django.test import Client

from accounts.models import AuthSession, RecoveryCode, TOTPFactor
from accounts.services.factors import enrol_totp, make_recovery_codes
from accounts.tests.factories import PASSWORD, make_user, sign_in_browser, totp_code
from accounts.tests.test_factors import wrong_code

pytestmark = pytest.mark.django_db

CODE = re.compile(r"<code>((?:[0-9A-Z]{6}-){3}[0-9A-Z]{6})</code>")


def proven_browser(user):
    """Return a browser whose user has just given what he has."""
    if TOTPFactor.objects.filter(user=user, confirmed=True).exists():
        return sign_in_browser(Client(), user, stepped_up=True)
    client = sign_in_browser(Client(), user)
    client.post("/account/confirm", {"password": PASSWORD})
    return client


def test_an_app_is_set_up_and_the_codes_are_shown_once(bob):
    client = proven_browser(bob)
    assert b"Begin" in client.get("/account/authenticator").content

    page = client.post("/account/authenticator", {"name": "work phone"})
    secret = TOTPFactor.objects.get().secret_base32
    assert secret in page.content.decode()
    assert "<svg" in page.content.decode()
    assert "style=" not in page.content.decode()
    done = client.post("/account/authenticator", {"code": totp_code(bob)})

    codes = CODE.findall(done.content.decode())
    assert len(codes) == 10
    link = re.search(r'href="(data:[^"]+)"', done.content.decode())
    assert unquote(link[1]).split(",", 1)[1].split() == codes
    assert "no-store" in done["Cache-Control"]
    account = client.get("/account").content.decode()
    assert "work phone" in account
    assert "10 recovery codes are left" in account
    assert secret not in account
    assert codes[0] not in client.get("/account/recovery-codes").content.decode()


def test_the_browser_is_verified_under_a_new_cookie_afterwards(bob):
    client = proven_browser(bob)
    client.post("/account/authenticator")
    cookie = client.cookies["session"].value

    client.post("/account/authenticator", {"code": totp_code(bob)})

    assert client.cookies["session"].value != cookie
    assert client.get("/account").context["user"].is_verified()
    assert "mfa" in AuthSession.objects.get().amr


def test_a_wrong_first_code_is_asked_for_again(bob):
    client = proven_browser(bob)
    client.post("/account/authenticator")

    for code in (wrong_code(bob), "", "12345", "x"):
        page = client.post("/account/authenticator", {"code": code})
        assert page.status_code == 400
        assert TOTPFactor.objects.get().secret_base32 in page.content.decode()

    assert not TOTPFactor.objects.get().confirmed


def test_a_stolen_cookie_learns_no_secret_of_a_set_up_that_waits(bob):
    secret = enrol_totp(bob).secret_base32
    client = sign_in_browser(Client(), bob)

    for answer in (
        client.get("/account/authenticator"),
        client.post("/account/authenticator"),
        client.post("/account/authenticator", {"code": wrong_code(bob)}),
    ):
        assert answer["Location"].startswith("/account/confirm?next=")
        assert secret not in answer.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/account/authenticator",
        "/account/recovery-codes",
        "/account/factors/01890000-0000-7000-8000-000000000000/remove",
        "/account/factors/01890000-0000-7000-8000-000000000000/name",
    ],
)
def test_sign_in_alone_changes_no_factor(path):
    alice = make_user("alice", totp=True)
    client = sign_in_browser(Client(), alice)

    answer = client.post(path, {"code": totp_code(alice)})

    assert answer["Location"].startswith("/account/confirm?next=")
    assert TOTPFactor.objects.count() == 1
    assert RecoveryCode.objects.count() == 0


def test_codes_are_made_anew():
    alice = make_user("alice", totp=True)
    make_recovery_codes(alice)
    client = proven_browser(alice)

    assert b"10 codes are left" in client.get("/account/recovery-codes").content
    page = client.post("/account/recovery-codes")

    assert len(CODE.findall(page.content.decode())) == 10
    assert RecoveryCode.objects.count() == 10


def test_a_factor_is_removed():
    alice = make_user("alice", totp=True)
    client = proven_browser(alice)
    handle = TOTPFactor.objects.get().handle

    done = client.post(f"/account/factors/{handle}/remove")

    assert done["Location"] == "/account"
    assert not TOTPFactor.objects.exists()
    assert b"You have no second factor" in client.get("/account").content


def test_a_factor_is_renamed():
    alice = make_user("alice", totp=True)
    client = proven_browser(alice)
    path = f"/account/factors/{TOTPFactor.objects.get().handle}/name"

    done = client.post(path, {"name": "Work phone"})
    too_long = client.post(path, {"name": "x" * 65})

    assert done["Location"] == too_long["Location"] == "/account"
    page = client.get("/account").content.decode()
    assert "Work phone" in page
    assert "The name is saved." in page
    assert "At most 64 characters." in page


def test_anybody_elses_factor_does_not_exist():
    alice = make_user("alice", totp=True)
    charlie = proven_browser(make_user("charlie"))
    handle = TOTPFactor.objects.get(user=alice).handle

    charlie.post(f"/account/factors/{handle}/remove")
    charlie.post(f"/account/factors/{handle}/name", {"name": "Mine"})

    assert TOTPFactor.objects.get(handle=handle).name != "Mine"
    assert b"There is no such factor" in charlie.get("/account").content


def test_a_recovery_code_signs_in_once_and_not_twice():
    alice = make_user("alice", totp=True)
    code = make_recovery_codes(alice)[0]
    for expected in (302, 400):
        client = Client()
        client.post("/sign-in", {"username": "alice", "password": PASSWORD})
        answer = client.post("/sign-in/code", {"code": code.lower()})
        assert answer.status_code == expected


@pytest.mark.parametrize("code", ["1", "abc", "12345678", "<script>", "A" * 48])
def test_what_is_no_code_costs_no_try(code):
    from accounts.models import Challenge

    make_user("alice", totp=True)
    client = Client()
    client.post("/sign-in", {"username": "alice", "password": PASSWORD})

    page = client.post("/sign-in/code", {"code": code})

    assert page.status_code == 400
    assert Challenge.objects.get().failed_tries == 0

import re

import pytest
from django.test import Client

from accounts.models import AuthSession, BrowserSession, TOTPFactor
from accounts.services import sessions
from accounts.tests.browsers import sign_in, user_of
from accounts.tests.factories import (
    PASSWORD,
    make_session,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.test_factors import wrong_code

pytestmark = pytest.mark.django_db

EVIL_TARGETS = [
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "https:///evil.example",
    "evil",
    " //evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "http://testserver@evil.example/",
    "data:text/html,x",
]


def test_the_page_asks_for_name_and_password():
    page = Client().get("/sign-in")

    assert page.status_code == 200
    assert b'autocomplete="username webauthn"' in page.content
    assert b'autocomplete="current-password"' in page.content
    assert not re.search(
        rb"<script(?![^>]* (?:nonce=|type=.application/json))", page.content
    )
    assert b"style=" not in page.content


def test_a_password_signs_in_under_a_new_cookie():
    make_user("alice")
    client = Client()
    client.cookies["session"] = "chosenbytheattacker0123456789abc"

    answer = sign_in(client)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.cookies["session"].value != "chosenbytheattacker0123456789abc"
    assert client.cookies["session"]["httponly"]
    assert client.cookies["session"]["samesite"] == "Lax"
    assert user_of(client) == "alice"
    assert AuthSession.objects.get().kind == "browser"


def test_signing_in_again_ends_what_the_browser_was_before():
    make_user("alice")
    make_user("bob")
    client = Client()
    sign_in(client)
    first = client.cookies["session"].value

    sign_in(client, "bob")

    assert user_of(client) == "bob"
    assert client.cookies["session"].value != first
    ended = AuthSession.objects.get(user__username="alice")
    assert ended.revoked_because == "signed_out"
    assert BrowserSession.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"username": "", "password": PASSWORD}, "Please enter your user name"),
        ({"username": "alice", "password": ""}, "Please enter your password"),
        ({"username": "alice", "password": "wrong"}, "Wrong user name or password"),
        ({"username": "nobody", "password": PASSWORD}, "Wrong user name or password"),
    ],
)
def test_the_page_says_what_is_wrong(fields, message):
    make_user("alice")
    client = Client()

    page = client.post("/sign-in", fields)

    assert page.status_code == 400
    assert message in page.content.decode()
    assert fields["password"] not in page.content.decode() or not fields["password"]
    assert user_of(client) is None


def test_the_sixth_try_waits():
    make_user("alice")
    client = Client()
    for _ in range(5):
        sign_in(client, password="wrong password")

    page = sign_in(client)

    assert page.status_code == 429
    assert int(page["Retry-After"]) > 890
    assert user_of(client) is None


def test_the_code_comes_second_and_nothing_is_open_before():
    carol = make_user("carol", totp=True)
    client = Client()

    answer = sign_in(client, "carol", next="/account")

    assert answer["Location"] == "/sign-in/code?next=%2Faccount"
    assert user_of(client) is None
    assert client.get("/api/v1/auth/sessions").status_code == 401
    assert AuthSession.objects.count() == 0
    before = client.cookies["session"].value
    code = {"code": totp_code(carol), "next": "/account"}
    answer = client.post("/sign-in/code", code)
    assert (answer.status_code, answer["Location"]) == (302, "/account")
    assert client.cookies["session"].value != before
    assert user_of(client) == "carol"
    assert client.get("/account").context["user"].is_verified()


def test_a_wrong_code_is_said_next_to_the_field():
    carol = make_user("carol", totp=True)
    client = Client()
    sign_in(client, "carol")

    page = client.post("/sign-in/code", {"code": wrong_code(carol)})
    letters = client.post("/sign-in/code", {"code": "abc"})

    assert page.status_code == letters.status_code == 400
    assert page.context["form"].errors["code"] == ["Invalid verification code"]
    assert letters.context["form"].errors["code"] == [
        "The code has six digits, a recovery code 24 letters and digits."
    ]
    assert user_of(client) is None


def test_a_spent_code_says_to_wait():
    carol = make_user("carol", totp=True)
    first, second = Client(), Client()
    code = totp_code(carol)
    sign_in(first, "carol")
    assert first.post("/sign-in/code", {"code": code}).status_code == 302

    sign_in(second, "carol")
    page = second.post("/sign-in/code", {"code": code})

    assert page.status_code == 429
    assert int(page["Retry-After"]) >= 1
    assert second.post("/sign-in/code", {"code": totp_code(carol)}).status_code == 302


def test_after_five_wrong_codes_the_sign_in_begins_again():
    carol = make_user("carol", totp=True)
    client = Client()
    sign_in(client, "carol")
    for _ in range(5):
        client.post("/sign-in/code", {"code": wrong_code(carol)})

    page = client.post("/sign-in/code", {"code": totp_code(carol)})

    assert page.status_code == 429
    assert user_of(client) is None


def test_the_code_page_is_for_sign_ins_under_way():
    assert Client().get("/sign-in/code")["Location"].startswith("/sign-in?")
    assert Client().post("/sign-in/code", {"code": "123456"}).status_code == 302


def test_a_password_does_not_keep_the_session_that_was_there():
    """A half sign-in as carol must not go on acting as alice."""
    make_user("alice")
    make_user("carol", totp=True)
    client = Client()
    sign_in(client)

    sign_in(client, "carol")

    assert user_of(client) is None


@pytest.mark.parametrize("target", EVIL_TARGETS)
def test_it_leads_nowhere_else(target):
    make_user("alice")

    assert sign_in(Client(), next=target)["Location"] == "/"
    signed_in = Client()
    sign_in(signed_in)
    assert signed_in.get("/sign-in", {"next": target})["Location"] == "/"


def test_sign_out_ends_the_session_on_the_server():
    make_user("alice")
    client, thief = Client(), Client()
    sign_in(client)
    thief.cookies["session"] = client.cookies["session"].value

    answer = client.post("/sign-out")

    assert answer["Location"] == "/sign-in"
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.cookies["session"].value == ""
    assert user_of(client) is None
    assert user_of(thief) is None
    assert AuthSession.objects.get().revoked_because == "signed_out"


def test_reading_changes_nothing():
    make_user("alice")
    client = Client()
    sign_in(client)

    assert client.get("/sign-out").status_code == 405
    client.get("/account/authenticator")

    assert user_of(client) == "alice"
    assert TOTPFactor.objects.count() == 0


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-out"])
def test_a_foreign_page_cannot_post(path):
    make_user("alice")
    client = Client(enforce_csrf_checks=True)

    answer = client.post(path, {"username": "alice", "password": PASSWORD})

    assert answer.status_code == 403
    assert AuthSession.objects.count() == 0


def test_ones_own_devices_are_listed_and_ended():
    alice, charlie = make_user("alice"), make_user("charlie")
    client = Client(headers={"User-Agent": "Own<b>App/1.0"})
    sign_in(client)
    phone, his = make_session(alice), make_session(charlie)

    page = client.get("/account")

    assert "Own&lt;b&gt;App" in page.content.decode()
    assert "Own<b>App" not in page.content.decode()
    assert (
        list(page.context["sessions"].values_list("id", flat=True)).count(his.id) == 0
    )
    client.post(f"/account/sessions/{phone.id}/revoke")
    client.post(f"/account/sessions/{his.id}/revoke")
    assert AuthSession.objects.get(id=phone.id).revoked_at is not None
    assert AuthSession.objects.get(id=his.id).revoked_at is None
    assert user_of(client) == "alice"


def test_ending_ones_own_device_signs_out():
    alice = make_user("alice")
    client = sign_in_browser(Client(), alice)
    session = AuthSession.objects.get()

    client.post(f"/account/sessions/{session.id}/revoke")

    assert user_of(client) is None


def test_whom_the_admin_site_sends_back_is_not_sent_round():
    client = sign_in_browser(Client(), make_user("alice"))

    page = client.get("/sign-in?next=/admin/&factor=required")

    assert page.status_code == 200
    assert b"verification code" in page.content


def test_a_revoked_device_is_asked_to_sign_in():
    client = sign_in_browser(Client(), make_user("alice"))
    sessions.revoke_session(AuthSession.objects.get())

    answer = client.get("/account")

    assert answer["Location"] == "/sign-in?next=/account"

import json
import re

import pytest
from django.test import Client

from accounts.models import AuthSession, Challenge, Passkey
from accounts.tests.browsers import user_of
from accounts.tests.factories import PASSWORD, make_user, sign_in_browser
from accounts.tests.soft_passkey import SoftPasskey, set_up_passkey

pytestmark = pytest.mark.django_db


def embedded(page):
    found = re.search(
        r'<script id="passkey-options" type="application/json">(.*?)</script>',
        page.content.decode(),
    )
    return json.loads(found[1])


def ticket_of(page):
    return re.search(r'name="ticket" value="([^"]+)"', page.content.decode())[1]


def test_a_passkey_is_set_up_in_the_browser(alice):
    client = sign_in_browser(Client(), alice)
    client.post("/account/confirm", {"password": PASSWORD})
    assert b"Make a passkey" in client.get("/account/passkeys").content

    question = client.post("/account/passkeys/ask").json()
    answer = SoftPasskey().create(question["options"])
    page = client.post(
        "/account/passkeys",
        {
            "question_id": question["question_id"],
            "passkey": json.dumps(answer),
            "name": "my <b>laptop</b>",
        },
    )

    assert b"Recovery codes" in page.content
    account = client.get("/account")
    assert b"my &lt;b&gt;laptop" in account.content
    assert account.context["user"].is_verified()


@pytest.mark.parametrize("path", ["/account/passkeys", "/account/passkeys/ask"])
def test_sign_in_alone_sets_none_up(alice, path):
    client = sign_in_browser(Client(), alice)

    assert client.post(path)["Location"].startswith("/account/confirm?next=")
    assert Challenge.objects.count() == 0


@pytest.mark.parametrize(
    "given", ["", "x", "[]", "null", '{"id":1}', '{"a":NaN}', "{}" * 9000]
)
def test_nonsense_sets_none_up(alice, given):
    client = sign_in_browser(Client(), alice)
    client.post("/account/confirm", {"password": PASSWORD})
    question = client.post("/account/passkeys/ask").json()

    done = client.post(
        "/account/passkeys",
        {"question_id": question["question_id"], "passkey": given},
    )

    assert done["Location"] == "/account/passkeys"
    assert Passkey.objects.count() == 0


def test_a_passkey_alone_signs_in(alice):
    device = set_up_passkey(alice)
    client = Client()
    page = client.get("/sign-in?next=/access")

    done = client.post(
        "/sign-in/passkey",
        {
            "ticket": ticket_of(page),
            "passkey": json.dumps(device.get(embedded(page))),
            "next": "/access",
        },
    )

    assert done["Location"] == "/access"
    account = client.get("/account")
    assert account.context["user"].is_verified()
    assert AuthSession.objects.latest("created_at").amr == ["pop", "mfa"]


def test_the_page_of_nobody_tells_of_nobodys_passkeys(alice):
    set_up_passkey(alice)

    assert embedded(Client().get("/sign-in")).get("allowCredentials", []) == []


def test_a_passkey_is_the_second_factor(alice):
    device = set_up_passkey(alice)
    client = Client()
    client.post("/sign-in", {"username": "alice", "password": PASSWORD})
    assert user_of(client) is None
    page = client.get("/sign-in/code")

    done = client.post(
        "/sign-in/code/passkey",
        {"passkey": json.dumps(device.get(embedded(page))), "next": "/"},
    )

    assert done["Location"] == "/"
    assert user_of(client) == "alice"
    assert "pwd" in AuthSession.objects.latest("created_at").amr


@pytest.mark.parametrize("path", ["/sign-in/passkey", "/sign-in/code/passkey"])
@pytest.mark.parametrize("given", ["", "{}", "x", '{"id":"a","rawId":"a"}'])
def test_nonsense_signs_nobody_in(alice, path, given):
    set_up_passkey(alice)
    client = Client()
    client.post("/sign-in", {"username": "alice", "password": PASSWORD})
    ticket = ticket_of(client.get("/sign-in"))

    done = client.post(path, {"passkey": given, "ticket": ticket})

    assert done.status_code == 302
    assert done["Location"].startswith("/sign-in")
    assert user_of(client) is None


def test_a_charlie_does_not_finish_alices_sign_in(alice):
    set_up_passkey(alice)
    his = set_up_passkey(make_user("charlie"))
    client = Client()
    client.post("/sign-in", {"username": "alice", "password": PASSWORD})
    page = client.get("/sign-in/code")

    done = client.post(
        "/sign-in/code/passkey", {"passkey": json.dumps(his.get(embedded(page)))}
    )

    assert done["Location"].startswith("/sign-in/code")
    assert user_of(client) is None


def test_a_passkey_confirms_who_it_is(alice):
    device = set_up_passkey(alice)
    client = sign_in_browser(Client(), alice)
    page = client.get("/account/confirm?next=/account/recovery-codes")
    assert b"Use your passkey" in page.content
    question = client.post("/account/confirm/passkey/ask").json()

    done = client.post(
        "/account/confirm/passkey",
        {
            "question_id": question["question_id"],
            "passkey": json.dumps(device.get(question["options"])),
            "next": "/account/recovery-codes",
        },
    )

    assert done["Location"] == "/account/recovery-codes"
    assert client.get("/account/recovery-codes").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in/passkey",
        "/sign-in/code/passkey",
        "/account/passkeys",
        "/account/passkeys/ask",
        "/account/confirm/passkey",
        "/account/confirm/passkey/ask",
    ],
)
def test_a_foreign_page_cannot_post(alice, path):
    client = sign_in_browser(Client(enforce_csrf_checks=True), alice)

    assert client.post(path).status_code == 403


@pytest.mark.parametrize(
    "path", ["/account/confirm/passkey", "/account/confirm/passkey/ask"]
)
def test_nobody_confirms(path):
    assert Client().post(path)["Location"].startswith("/sign-in?next=")

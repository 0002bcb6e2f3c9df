import re

import pytest
from django.test import Client

from accounts.models import AccountToken, AttemptBudget, AuthSession, BrowserSession
from accounts.services import people
from accounts.tests.factories import PASSWORD, make_session, make_user, totp_code
from accounts.tests.links import mailed_link, mailed_token

pytestmark = pytest.mark.django_db

NEW = "seven lanterns drift past noon"
TWICE = {"password": NEW, "again": NEW}
LINK_PAGES = ["/password/reset", "/invitation"]


def plain(page):
    """Return the page without what differs each time it is drawn."""
    varying = r'(csrf-token" content|csrfmiddlewaretoken" value|nonce)="[^"]*"'
    return re.sub(varying, "", page.content.decode())


def headers(page):
    varying = {"X-Request-ID", "Content-Security-Policy", "Set-Cookie"}
    return {k: v for k, v in page.headers.items() if k not in varying}


def shown(page):
    return page.content.decode()


def ask(client, name):
    return client.post("/password/forgotten", {"username": name})


def held():
    """Return everything that looking at a link could change."""
    models = (AccountToken, AttemptBudget, BrowserSession, AuthSession)
    return [list(model.objects.order_by("pk").values()) for model in models]


def path_of(user, **kind):
    return "/" + mailed_link(user, **kind).split("/", 3)[3]


# --- Forgotten -----------------------------------------------------------------------


def test_the_sign_in_page_leads_to_a_new_password():
    assert 'href="/password/forgotten"' in shown(Client().get("/sign-in"))


def test_everybody_gets_the_same_answer(alice):
    make_user("closed", is_active=False)
    make_user("invited", password=None)
    names = ["alice", "ALICE@example.org", "closed", "invited", "nobody", "n@b.example"]

    pages = [ask(Client(), name) for name in names]

    assert {page.status_code for page in pages} == {200}
    assert len({plain(page) for page in pages}) == 1
    assert len({str(headers(page)) for page in pages}) == 1
    assert AccountToken.objects.filter(user=alice).count() == 2
    assert AccountToken.objects.exclude(user=alice).count() == 0


@pytest.mark.parametrize("name", ["", "x" * 321, " "])
def test_the_form_says_what_is_missing(name):
    page = ask(Client(), name)

    assert page.status_code == 400
    assert 'role="alert"' in shown(page)


@pytest.mark.parametrize("name", ["\x00", "a\x00b", "'--", "<script>", "\u200b", "🐙"])
def test_odd_names_are_nobodys(name):
    assert ask(Client(), name).status_code in (200, 400)
    assert AccountToken.objects.count() == 0


def test_the_host_header_does_not_get_into_the_link(alice, settings):
    settings.ALLOWED_HOSTS = ["*"]
    Client().post(
        "/password/forgotten",
        {"username": "alice"},
        headers={"host": "evil.example", "x-forwarded-host": "evil.example"},
    )

    assert mailed_link(alice).startswith(settings.CHATSEC_PUBLIC_URL + "/")


# --- Reset ---------------------------------------------------------------------------


def test_the_link_opens_a_form_and_nothing_else(alice):
    ask(Client(), "alice")
    client, before = Client(), held()

    page = client.get(path_of(alice))

    assert page.status_code == 200
    assert page["Referrer-Policy"] == "strict-origin"
    assert page["Cache-Control"] == "no-store"
    assert 'autocomplete="new-password"' in shown(page)
    client.get("/password/reset", {"token": "csl_wrong"})
    assert held() == before


def test_a_new_password_signs_nobody_in_by_itself(alice):
    make_session(alice)
    ask(Client(), "alice")
    client = Client()

    answer = client.post("/password/reset", {"token": mailed_token(alice), **TWICE})

    assert (answer.status_code, answer["Location"]) == (302, "/sign-in")
    assert client.get("/account").status_code == 302
    assert AuthSession.objects.filter(revoked_at=None).count() == 0
    sent = {"username": "alice", "password": NEW}
    assert client.post("/sign-in", sent)["Location"] == "/"


def test_the_second_factor_is_asked_for_after_a_reset():
    carol = make_user("carol", totp=True)
    ask(Client(), "carol")
    client = Client()
    client.post("/password/reset", {"token": mailed_token(carol), **TWICE})

    answer = client.post("/sign-in", {"username": "carol", "password": NEW})

    assert answer["Location"].startswith("/sign-in/code")
    assert client.get("/account").status_code == 302


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"password": NEW, "again": NEW + "!"}, "not the same password"),
        ({"password": "brief", "again": "brief"}, "too short"),
        ({"password": "password1234", "again": "password1234"}, "first that anybody"),
        ({"password": "", "again": ""}, "Please choose a password"),
        ({"password": "x" * 1025, "again": "x" * 1025}, "too long"),
    ],
)
def test_a_refused_password_keeps_the_link(alice, sent, message):
    ask(Client(), "alice")
    raw, client = mailed_token(alice), Client()

    page = client.post("/password/reset", {"token": raw, **sent})

    assert page.status_code == 400
    assert message in shown(page)
    assert not sent["password"] or sent["password"] not in shown(page)
    assert client.post("/password/reset", {"token": raw, **TWICE}).status_code == 302


@pytest.mark.parametrize("page", LINK_PAGES)
@pytest.mark.parametrize("token", ["", "csl_wrong", "\x00", "x" * 5000, "é'\"<script>"])
def test_a_wrong_link_says_no_more_than_that(page, token):
    answers = [
        Client().get(page, {"token": token}),
        Client().post(page, {"token": token, **TWICE, "display_name": "Eve"}),
    ]

    for answer in answers:
        assert answer.status_code == 400
        assert "This link does not work any more" in shown(answer)
        assert "<script>" not in shown(answer)


def test_every_dead_link_gets_the_same_answer(alice):
    """Used, too old, for a closed account or never made: nothing tells which."""
    used, old, closed = make_user("used"), make_user("old"), make_user("closed")
    tokens = ["csl_never"]
    for user in (used, old, closed):
        ask(Client(), user.username)
        tokens.append(mailed_token(user))
    Client().post("/password/reset", {"token": tokens[1], **TWICE})
    AccountToken.objects.filter(user=old).update(expires_at="2026-01-01T00:00:00Z")
    people.close_account(closed)

    gets = [Client().get("/password/reset", {"token": token}) for token in tokens]
    posts = [
        Client().post("/password/reset", {"token": token, **TWICE}) for token in tokens
    ]

    for pages in (gets, posts):
        assert {page.status_code for page in pages} == {400}
        assert len({plain(page) for page in pages}) == 1


def test_a_form_from_elsewhere_is_refused(alice):
    ask(Client(), "alice")
    stranger = Client(enforce_csrf_checks=True)

    for path, sent in (
        ("/password/forgotten", {"username": "alice"}),
        ("/password/reset", {"token": mailed_token(alice), **TWICE}),
    ):
        assert stranger.post(path, sent).status_code == 403
    assert people.User.objects.get(id=alice.id).check_password(PASSWORD)


# --- Change --------------------------------------------------------------------------


def test_changing_keeps_this_browser_under_a_new_cookie(alice, browser):
    client, other = browser(alice), browser(alice)
    before = client.cookies["session"].value

    answer = client.post("/account/password", {"current": PASSWORD, **TWICE})

    assert (answer.status_code, answer["Location"]) == (302, "/account")
    assert client.get("/account").status_code == 200
    assert client.cookies["session"].value != before
    assert other.get("/account").status_code == 302
    thief = Client()
    thief.cookies["session"] = before
    assert thief.get("/account").status_code == 302


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"current": "wrong", **TWICE}, "This password is not right"),
        ({"current": "", **TWICE}, "Please enter your current password"),
        ({"current": PASSWORD, "password": NEW, "again": "x"}, "not the same"),
        (
            {"current": PASSWORD, "password": PASSWORD, "again": PASSWORD},
            "the password that you have",
        ),
    ],
)
def test_a_refused_change_says_why_and_changes_nothing(alice, browser, sent, message):
    client, other = browser(alice), browser(alice)

    page = client.post("/account/password", sent)

    assert page.status_code == 400
    assert message in shown(page)
    assert PASSWORD not in shown(page)
    assert other.get("/account").status_code == 200


def test_guessing_at_the_password_waits(alice, browser):
    client = browser(alice)
    for _ in range(5):
        client.post("/account/password", {"current": "wrong", **TWICE})

    page = client.post("/account/password", {"current": PASSWORD, **TWICE})

    assert page.status_code == 429
    assert int(page["Retry-After"]) > 0


def test_who_has_a_second_factor_confirms_it_on_the_way(browser):
    carol = make_user("carol", totp=True)
    client = browser(carol)

    answer = client.get("/account/password")
    assert answer["Location"].startswith("/account/confirm?next=%2Faccount%2Fpassword")
    sent = {"current": PASSWORD, **TWICE}
    assert client.post("/account/password", sent).status_code == 302
    assert people.User.objects.get(id=carol.id).check_password(PASSWORD)
    back = client.post(answer["Location"], {"code": totp_code(carol)})

    assert back["Location"] == "/account/password"
    assert client.post("/account/password", sent)["Location"] == "/account"
    assert people.User.objects.get(id=carol.id).check_password(NEW)


@pytest.mark.parametrize(
    "path", ["/account/password", "/account/email", "/account/email/confirm"]
)
def test_a_visitor_is_sent_to_sign_in(path):
    for answer in (Client().get(path), Client().post(path, TWICE)):
        assert (answer.status_code, answer["Location"][:8]) == (302, "/sign-in")


# --- Invitation ----------------------------------------------------------------------


# --- E-mail --------------------------------------------------------------------------


@pytest.fixture
def proven(alice, browser):
    client = browser(alice)
    client.post("/account/confirm", {"password": PASSWORD})
    return client


def test_changing_the_address(alice, proven):
    answer = proven.post("/account/email", {"email": "alice@new.example"})
    assert answer["Location"] == "/account"
    page = proven.get(path_of(alice))
    assert "alice@new.example" in shown(page)

    answer = proven.post("/account/email/confirm", {"token": mailed_token(alice)})

    assert answer["Location"] == "/account"
    alice.refresh_from_db()
    assert alice.email == "alice@new.example"


def test_changing_the_address_needs_proof_first(alice, browser):
    client = browser(alice)

    for answer in (
        client.get("/account/email"),
        client.post("/account/email", {"email": "alice@new.example"}),
    ):
        assert answer["Location"].startswith("/account/confirm?next=")
    assert AccountToken.objects.count() == 0


def test_an_address_that_is_taken_looks_like_any_other_until_it_is_confirmed(
    alice, proven
):
    make_user("bob", email="bob@firm.net")
    for address in ("bob@firm.net", "free@firm.net"):
        answer = proven.post("/account/email", {"email": address})
        assert (answer.status_code, answer["Location"]) == (302, "/account")
    raw = mailed_token(alice)
    make_user("dora", email="free@firm.net")

    page = proven.post("/account/email/confirm", {"token": raw})

    assert page.status_code == 400
    assert "Somebody has this address" in shown(page)


def test_a_strangers_session_cannot_confirm(alice, proven, browser):
    proven.post("/account/email", {"email": "alice@new.example"})
    charlie = browser(make_user("charlie"))

    page = charlie.post("/account/email/confirm", {"token": mailed_token(alice)})

    assert page.status_code == 400
    assert "alice@new.example" not in shown(page)
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"


@pytest.mark.parametrize(
    "path", ["/password/forgotten", "/account/password", "/account/email"]
)
def test_the_pages_hold_no_inline_code(path, proven):
    page = proven.get(path)

    assert page.status_code == 200
    assert b"<script" not in page.content
    assert b"style=" not in page.content
    assert b"onclick" not in page.content

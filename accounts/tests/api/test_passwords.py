import pytest
from rest_framework.test import APIClient

from accounts.models import AccountToken, ApiKey, AuthSession, User
from accounts.notices import PASSWORD_RESET_ASKED
from accounts.services import people, proof, tokens
from accounts.services.invitations import invite
from accounts.tests.factories import PASSWORD, make_session, make_user
from accounts.tests.keys import made_for
from accounts.tests.links import mailed_token

pytestmark = pytest.mark.django_db

NEW = "seven lanterns drift past noon"
CHANGE = {"current_password": PASSWORD, "password": NEW}


def ask(name):
    return APIClient().post("/api/v1/auth/password/reset", {"username": name})


def confirm(raw, password=NEW):
    sent = {"token": raw, "password": password}
    return APIClient().post("/api/v1/auth/password/reset/confirm", sent)


def plain(answer):
    body = answer.json()
    body.pop("request_id", None)
    headers = dict(answer.headers)
    del headers["X-Request-ID"], headers["Content-Security-Policy"]
    return answer.status_code, body, headers


def test_changing_ends_every_other_token(alice, api):
    client, other = api(alice), api(alice)
    kept = tokens.issue(make_session(alice))

    assert client.post("/api/v1/auth/password", CHANGE).status_code == 204

    assert client.get("/api/v1/auth/sessions").status_code == 200
    assert other.get("/api/v1/auth/sessions").status_code == 401
    refreshed = client.post("/api/v1/auth/token/refresh", {"refresh": kept.refresh})
    assert refreshed.status_code == 401
    assert User.objects.get(id=alice.id).check_password(NEW)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"current_password": "wrong"}, "wrong_password", "current_password"),
        ({"password": "short"}, "invalid", "password"),
        ({"password": PASSWORD}, "invalid", "password"),
        ({"password": "x" * 1025}, "invalid", "password"),
        ({"password": 5}, "invalid", "password"),
        ({"current_password": None}, "invalid", "current_password"),
        ({"password": ["a", "b"]}, "invalid", "password"),
    ],
)
def test_a_refused_change_says_which_field(alice, api, change, code, field):
    answer = api(alice).post("/api/v1/auth/password", {**CHANGE, **change})

    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert field in answer.json()["errors"]
    assert User.objects.get(id=alice.id).check_password(PASSWORD)


def test_a_second_factor_is_shown_first(carol, api):
    answer = api(carol).post("/api/v1/auth/password", CHANGE)
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")

    answer = api(carol, stepped_up=True).post("/api/v1/auth/password", CHANGE)

    assert answer.status_code == 204


def test_a_browser_gets_a_new_cookie(alice, browser):
    client = browser(alice)
    before = client.cookies["session"].value

    answer = client.post(
        "/api/v1/auth/password", CHANGE, content_type="application/json"
    )

    assert answer.status_code == 204
    assert client.cookies["session"].value != before
    assert client.get("/account").status_code == 200


def test_nobody_changes_a_password_without_signing_in():
    assert APIClient().post("/api/v1/auth/password", CHANGE).status_code == 401


def test_asking_for_a_reset_is_answered_the_same_for_everybody(alice):
    make_user("closed", is_active=False)
    make_user("invited", password=None)
    names = ["alice", "Alice@Example.ORG", "closed", "invited", "nobody", "n@b.example"]

    answers = [plain(ask(name)) for name in names]

    assert answers[0][0] == 202
    assert all(answer == answers[0] for answer in answers)


def test_a_reset_works_once_and_opens_no_session(alice):
    make_session(alice)
    ask("alice")
    raw = mailed_token(alice)

    assert confirm(raw, "password1234").status_code == 400
    answer = confirm(raw)

    assert (answer.status_code, answer.content) == (204, b"")
    assert AuthSession.objects.filter(revoked_at=None).count() == 0
    again = confirm(raw)
    assert (again.status_code, again.json()["code"]) == (400, "link_expired")


def test_a_reset_does_not_pass_by_the_second_factor(carol):
    ask("carol")
    confirm(mailed_token(carol))

    sent = {"username": "carol", "password": NEW}
    answer = APIClient().post("/api/v1/auth/token", sent)

    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")


def test_every_dead_link_gets_the_same_answer():
    used, old, closed = make_user("used"), make_user("old"), make_user("closed")
    dead = ["csl_never"]
    for user in (used, old, closed):
        ask(user.username)
        dead.append(mailed_token(user))
    confirm(dead[1])
    AccountToken.objects.filter(user=old).update(expires_at="2026-01-01T00:00:00Z")
    people.close_account(closed)

    answers = [plain(confirm(raw)) for raw in dead]

    assert answers[0][0] == 400
    assert all(answer == answers[0] for answer in answers)


def test_an_invitation_is_accepted_once():
    zoe = invite("zoe", email="zoe@example.org")
    sent = {"token": mailed_token(zoe), "password": NEW, "display_name": "Zoe"}

    first, second = (APIClient().post("/api/v1/auth/invitation", sent) for _ in "12")

    assert (first.status_code, second.status_code) == (204, 400)
    signed_in = APIClient().post(
        "/api/v1/auth/token", {"username": "zoe", "password": NEW}
    )
    assert signed_in.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"token": ""},
        {"token": 1, "password": NEW},
        {"token": "x" * 257, "password": NEW},
        {"token": "csl_x", "password": ""},
        {"token": "csl_x"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/api/v1/auth/password/reset/confirm", "/api/v1/auth/invitation"]
)
def test_bad_input_is_a_400(sent, path):
    assert APIClient().post(path, sent).status_code == 400


def test_an_address_is_changed_by_a_link_to_it(alice, api):
    client = api(alice)
    answer = client.post("/api/v1/auth/email", {"email": "alice@new.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    for session in AuthSession.objects.filter(user=alice):
        proof.record_password_confirmation(session)

    assert (
        client.post("/api/v1/auth/email", {"email": "alice@new.example"}).status_code
        == 202
    )
    raw = mailed_token(alice)
    stranger = api(make_user("charlie"))
    refused = stranger.post("/api/v1/auth/email/confirm", {"token": raw})
    assert (refused.status_code, refused.json()["code"]) == (400, "link_expired")
    assert client.post("/api/v1/auth/email/confirm", {"token": raw}).status_code == 204

    alice.refresh_from_db()
    assert alice.email == "alice@new.example"


@pytest.mark.parametrize("email", ["", "nobody", "a@b", 5, None, "alice@example.org"])
def test_it_refuses_what_is_no_new_address(alice, api, email):
    client = api(alice)
    for session in AuthSession.objects.filter(user=alice):
        proof.record_password_confirmation(session)

    answer = client.post("/api/v1/auth/email", {"email": email})

    assert answer.status_code == 400
    assert "email" in answer.json()["errors"]


@pytest.mark.parametrize("ended", [True, False])
def test_keys_end_with_the_password_if_asked_to(bob, api, ended):
    keys = [made_for(bob).key, made_for(bob).key]
    changed = api(bob).post("/api/v1/auth/password", {**CHANGE, "end_keys": ended})
    ask("bob")
    sent = {"token": mailed_token(bob, kind=PASSWORD_RESET_ASKED), "end_keys": ended}

    reset = APIClient().post(
        "/api/v1/auth/password/reset/confirm", {**sent, "password": PASSWORD}
    )

    assert (changed.status_code, reset.status_code) == (204, 204)
    live = ApiKey.objects.filter(user=bob, revoked_at=None).count()
    assert live == (0 if ended else len(keys))

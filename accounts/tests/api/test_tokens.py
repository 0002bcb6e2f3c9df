import pytest
from rest_framework.test import APIClient

from accounts.models import AuthSession, Challenge
from accounts.services import people
from accounts.tests.factories import (
    PASSWORD,
    make_session,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.test_factors import wrong_code

pytestmark = pytest.mark.django_db

TOKEN = "/api/v1/auth/token"
PAIR = {
    "token_type",
    "access",
    "expires_in",
    "refresh",
    "refresh_expires_in",
    "session_id",
}


def post(path, body, **headers):
    return APIClient().post(path, body, format="json", **headers)


def sign_in(name="alice", password=PASSWORD, **more):
    return post(TOKEN, {"username": name, "password": password, **more})


def with_token(access):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org"])
def test_a_password_gives_tokens(name):
    alice = make_user("alice")

    answer = sign_in(name)

    assert answer.status_code == 200
    assert set(answer.json()) == PAIR
    assert answer.json()["token_type"] == "Bearer"
    assert answer["Cache-Control"] == "no-store"
    session = AuthSession.objects.get()
    assert answer.json()["session_id"] == str(session.id)
    assert (session.user, session.kind, session.amr) == (alice, "token", ["pwd"])


def test_wrong_unknown_and_closed_get_the_same_answer():
    make_user("alice")
    people.close_account(make_user("closed"))

    answers = [
        sign_in(password="wrong password"),
        sign_in("nobody"),
        sign_in("closed"),
        sign_in("nobody@example.org"),
    ]

    for answer in answers:
        assert answer.status_code == 401
        body = {**answer.json(), "request_id": ""}
        assert body == {**answers[0].json(), "request_id": ""}
        assert body["code"] == "invalid_credentials"
        assert {n: v for n, v in answer.items() if n != "X-Request-ID"} == {
            n: v for n, v in answers[0].items() if n != "X-Request-ID"
        }


def test_a_factor_is_asked_for():
    carol = make_user("carol", totp=True)

    first = sign_in("carol")

    assert first.status_code == 401
    body = first.json()
    assert body["code"] == "mfa_required"
    assert body["methods"] == ["totp"]
    assert AuthSession.objects.count() == 0
    second = post(
        f"{TOKEN}/mfa",
        {"mfa_session_id": body["mfa_session_id"], "code": totp_code(carol)},
    )
    assert second.status_code == 200
    assert set(second.json()) == PAIR
    assert AuthSession.objects.get().amr == ["pwd", "otp", "mfa"]
    assert AuthSession.objects.get().stepped_up_at is None


def test_the_code_may_come_with_the_password():
    carol = make_user("carol", totp=True)

    assert sign_in("carol", otp=totp_code(carol)).status_code == 200


def test_a_wrong_code_is_401_and_a_spent_one_says_when():
    carol = make_user("carol", totp=True)
    code = totp_code(carol)
    assert sign_in("carol", otp=code).status_code == 200

    spent = sign_in("carol", otp=code)
    wrong = sign_in("carol", otp=wrong_code(carol))

    assert (spent.status_code, spent.json()["code"]) == (429, "code_already_used")
    assert 1 <= int(spent["Retry-After"]) <= 61
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_code")
    assert wrong.json()["detail"] == "Invalid verification code"


def test_a_challenge_signs_in_once():
    carol = make_user("carol", totp=True)
    challenge = sign_in("carol").json()["mfa_session_id"]
    body = {"mfa_session_id": challenge}
    assert post(f"{TOKEN}/mfa", {**body, "code": totp_code(carol)}).status_code == 200

    again = post(f"{TOKEN}/mfa", {**body, "code": totp_code(carol)})

    assert (again.status_code, again.json()["code"]) == (400, "challenge_expired")


def test_the_sixth_try_is_429_even_with_the_right_password():
    make_user("alice")
    for _ in range(5):
        assert sign_in(password="wrong password").status_code == 401

    locked = sign_in()

    assert locked.status_code == 429
    assert locked.json()["code"] == "account_locked"
    assert 895 <= int(locked["Retry-After"]) <= 900
    assert AuthSession.objects.count() == 0


def test_unknown_names_lock_like_known_ones():
    make_user("alice")
    for _ in range(5):
        sign_in(password="wrong password")
        sign_in("nobody")

    known, unknown = sign_in(), sign_in("nobody")

    assert known.status_code == unknown.status_code == 429
    assert {**known.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


def test_wrong_codes_count_with_wrong_passwords():
    carol = make_user("carol", totp=True)
    wrong = wrong_code(carol)
    for _ in range(3):
        assert sign_in("carol", otp=wrong).status_code == 401
    for _ in range(2):
        assert sign_in("carol", "wrong password").status_code == 401

    assert sign_in("carol", otp=totp_code(carol)).status_code == 429


def test_a_forged_forwarding_header_hides_nobody():
    for number in range(30):
        body = {"username": f"name-{number}", "password": "wrong password"}
        answer = post(TOKEN, body, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
        assert answer.status_code == 401

    answer = post(TOKEN, body, HTTP_X_FORWARDED_FOR="203.0.113.99")
    assert answer.status_code == 429


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "alice"},
        {"username": "", "password": ""},
        {"username": "x" * 321, "password": "x"},
        {"username": "alice", "password": "x" * 1025},
        {"username": ["alice"], "password": {}},
        {"username": "alice", "password": "x", "otp": "1" * 49},
        [],
        "alice",
        None,
        7,
    ],
)
def test_bad_input_is_400(body):
    make_user("alice")

    assert post(TOKEN, body).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mfa", {"mfa_session_id": "nonsense", "code": "123456"}),
        ("/mfa", {"mfa_session_id": "0" * 32, "code": "123456"}),
        ("/mfa", {"mfa_session_id": "", "code": ""}),
        ("/refresh", {"refresh": "nonsense"}),
        ("/refresh", {"refresh": ""}),
        ("/refresh", {}),
    ],
)
def test_nonsense_is_a_clear_refusal(path, body):
    answer = post(TOKEN + path, body)

    assert answer.status_code in (400, 401, 404)
    assert answer.json()["code"]


def test_refresh_and_revoke():
    make_user("alice")
    first = sign_in().json()

    second = post(f"{TOKEN}/refresh", {"refresh": first["refresh"]}).json()

    assert set(second) == PAIR
    assert with_token(second["access"]).get("/api/v1/auth/sessions").status_code == 200
    gone = post(f"{TOKEN}/revoke", {"refresh": second["refresh"]})
    assert (gone.status_code, gone.content) == (204, b"")
    assert with_token(second["access"]).get("/api/v1/auth/sessions").status_code == 401
    assert post(f"{TOKEN}/refresh", {"refresh": second["refresh"]}).status_code == 401
    assert post(f"{TOKEN}/revoke", {"refresh": "unknown"}).status_code == 204


def test_a_retry_with_the_same_key_is_the_same_answer():
    make_user("alice")
    body = {"refresh": sign_in().json()["refresh"]}

    answers = [
        post(f"{TOKEN}/refresh", body, HTTP_IDEMPOTENCY_KEY="k") for _ in range(3)
    ]

    assert len({answer.content for answer in answers}) == 1
    assert post(f"{TOKEN}/refresh", body).status_code == 401


def test_one_sees_and_ends_ones_own_sessions_only():
    alice, charlie = make_user("alice"), make_user("charlie")
    tokens = sign_in().json()
    client = with_token(tokens["access"])
    older, his = make_session(alice, kind="browser"), make_session(charlie)

    listed = client.get("/api/v1/auth/sessions").json()

    assert set(listed) == {"results", "next", "previous"}
    assert {row["id"] for row in listed["results"]} == {
        tokens["session_id"],
        str(older.id),
    }
    assert [r["id"] for r in listed["results"] if r["current"]] == [
        tokens["session_id"]
    ]
    assert client.delete(f"/api/v1/auth/sessions/{his.id}").status_code == 404
    assert client.delete(f"/api/v1/auth/sessions/{older.id}").status_code == 204
    assert client.delete(f"/api/v1/auth/sessions/{older.id}").status_code == 404
    assert client.delete("/api/v1/auth/sessions/nonsense").status_code == 404
    assert len(client.get("/api/v1/auth/sessions").json()["results"]) == 1


def test_listing_sessions_costs_the_same_however_many(
    django_assert_max_num_queries,
):
    alice = make_user("alice")
    client = with_token(sign_in().json()["access"])
    client.get("/api/v1/auth/sessions")
    for _ in range(5):
        make_session(alice)

    with django_assert_max_num_queries(3):  # who asks, his policy's date, the rows
        assert len(client.get("/api/v1/auth/sessions").json()["results"]) == 6


def test_step_up():
    carol = make_user("carol", totp=True)
    client = with_token(sign_in("carol", otp=totp_code(carol)).json()["access"])

    answer = client.post(
        "/api/v1/auth/step-up", {"code": totp_code(carol)}, format="json"
    )

    session = AuthSession.objects.get()
    assert answer.status_code == 200
    assert answer.json()["session_id"] == str(session.id)
    assert answer.json()["expires_in"] == 300
    assert session.stepped_up_at is not None
    assert Challenge.objects.filter(completed_at__isnull=False).count() == 2


def test_a_step_up_gives_the_browser_a_new_cookie():
    carol = make_user("carol", totp=True)
    client = sign_in_browser(APIClient(), carol)
    before = client.cookies["session"].value

    answer = client.post(
        "/api/v1/auth/step-up", {"code": totp_code(carol)}, format="json"
    )

    assert answer.status_code == 200
    assert client.cookies["session"].value != before
    assert client.get("/api/v1/auth/sessions").status_code == 200
    client.cookies["session"] = before
    assert client.get("/api/v1/auth/sessions").status_code == 401


def test_step_up_without_a_factor_says_how_to_get_one():
    make_user("erin")
    client = with_token(sign_in("erin").json()["access"])

    answer = client.post("/api/v1/auth/step-up", {"code": "123456"}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (403, "factor_required")


def test_a_wrong_code_does_not_step_up():
    carol = make_user("carol", totp=True)
    client = with_token(sign_in("carol", otp=totp_code(carol)).json()["access"])

    answer = client.post(
        "/api/v1/auth/step-up", {"code": wrong_code(carol)}, format="json"
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_code")
    assert answer.json()["detail"] == "Invalid verification code"
    assert AuthSession.objects.get().stepped_up_at is None

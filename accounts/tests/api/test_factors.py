from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuthSession, Challenge, Passkey, TOTPFactor
from accounts.services.factors import make_recovery_codes
from accounts.tests.factories import (
    PASSWORD,
    access_token,
    make_user,
    sign_in_browser,
    totp_code,
)
from accounts.tests.soft_passkey import SoftPasskey, set_up_passkey
from accounts.tests.test_factors import wrong_code
from auditlog.selectors import list_events

pytestmark = pytest.mark.django_db

FACTORS = "/api/v1/auth/factors"
STEP_UP = "/api/v1/auth/step-up"
TOKEN = "/api/v1/auth/token"


def client_of(user, *, proven=True):
    client = APIClient()
    has_factor = TOTPFactor.objects.filter(user=user, confirmed=True).exists()
    token = access_token(user, stepped_up=proven and has_factor)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    if proven and not has_factor:
        client.post(STEP_UP, {"password": PASSWORD})
    return client


def test_an_app_is_set_up(bob):
    client = client_of(bob)

    begun = client.post(FACTORS, {"kind": "totp", "name": "phone"})
    assert begun.status_code == 201
    asked = parse_qs(urlsplit(begun.json()["uri"]).query)
    assert asked["secret"] == [begun.json()["secret"]]
    assert "no-store" in begun["Cache-Control"]
    here = f"{FACTORS}/{begun.json()['id']}/confirm"
    assert client.post(here, {"code": wrong_code(bob)}).status_code == 400
    done = client.post(here, {"code": totp_code(bob)})

    assert done.status_code == 200
    assert done.json()["factor"]["name"] == "phone"
    assert len(done.json()["recovery_codes"]) == 10
    listed = client.get(FACTORS).json()
    assert [row["kind"] for row in listed["results"]] == ["totp", "recovery_code"]
    assert listed["results"][1]["codes_left"] == 10
    assert (listed["next"], listed["previous"]) == (None, None)
    assert begun.json()["secret"] not in str(listed)


def test_a_passkey_is_set_up_and_signs_in_each_way(bob):
    client, device = client_of(bob), SoftPasskey()

    begun = client.post(FACTORS, {"kind": "passkey"}).json()
    done = client.post(
        f"{FACTORS}/{begun['id']}/confirm",
        {"passkey": device.create(begun["options"]), "name": "laptop"},
    )
    assert done.json()["factor"]["kind"] == "passkey"

    asked = client.post(f"{STEP_UP}/passkey").json()
    stepped_up = client.post(
        STEP_UP,
        {
            "question_id": asked["question_id"],
            "passkey": device.get(asked["options"]),
        },
    )
    assert stepped_up.status_code == 200

    anybody = APIClient()
    refused = anybody.post(TOKEN, {"username": "bob", "password": PASSWORD}).json()
    assert refused["methods"] == ["passkey", "recovery_code"]
    waiting = {"mfa_session_id": refused["mfa_session_id"]}
    options = anybody.post(f"{TOKEN}/mfa/passkey", waiting).json()["options"]
    pair = anybody.post(f"{TOKEN}/mfa", {**waiting, "passkey": device.get(options)})
    assert pair.status_code == 200

    ticket = anybody.post(f"{TOKEN}/passkey/ask").json()
    pair = anybody.post(
        f"{TOKEN}/passkey",
        {"ticket": ticket["ticket"], "passkey": device.get(ticket["options"])},
    )
    assert pair.status_code == 200
    assert AuthSession.objects.get(id=pair.json()["session_id"]).amr == ["pop", "mfa"]


def test_recovery_codes_are_made_and_sign_in(bob):
    alice = make_user("alice", totp=True)
    client = client_of(alice)

    made = client.post(FACTORS, {"kind": "recovery_code"})
    assert made.status_code == 201
    code = made.json()["codes"][0]
    answers = [
        APIClient().post(
            TOKEN, {"username": "alice", "password": PASSWORD, "otp": code}
        )
        for _ in range(2)
    ]

    assert [each.status_code for each in answers] == [200, 401]


def test_recovery_codes_alone_are_refused(bob):
    refused = client_of(bob).post(FACTORS, {"kind": "recovery_code"})

    assert (refused.status_code, refused.json()["code"]) == (409, "factor_required")


@pytest.mark.parametrize(
    "act",
    [
        lambda client, at: client.post(FACTORS, {"kind": "totp"}),
        lambda client, at: client.post(FACTORS, {"kind": "passkey"}),
        lambda client, at: client.post(FACTORS, {"kind": "recovery_code"}),
        lambda client, at: client.delete(f"{FACTORS}/{at}"),
        lambda client, at: client.patch(f"{FACTORS}/{at}", {"name": "Mine"}),
        lambda client, at: client.post(
            f"{FACTORS}/{at}/confirm", {"passkey": {"id": "x"}}
        ),
    ],
)
def test_sign_in_alone_changes_nothing(act):
    alice = make_user("alice", totp=True)
    client = client_of(alice, proven=False)

    refused = act(client, TOTPFactor.objects.get().handle)

    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert refused.json()["methods"] == ["totp"]
    assert TOTPFactor.objects.count() == 1
    assert Challenge.objects.count() == 0


def test_a_factor_is_removed():
    alice = make_user("alice", totp=True)
    make_recovery_codes(alice)
    client = client_of(alice)

    gone = client.delete(f"{FACTORS}/{TOTPFactor.objects.get().handle}")

    assert gone.status_code == 204
    assert client.get(FACTORS).json()["results"] == []


def test_a_factor_is_renamed_with_evidence():
    alice = make_user("alice", totp=True)
    client, factor = client_of(alice), TOTPFactor.objects.get()

    answer = client.patch(f"{FACTORS}/{factor.handle}", {"name": " Work\nphone "})

    assert (answer.status_code, answer.json()["name"]) == (200, "Work phone")
    assert client.get(FACTORS).json()["results"][0]["name"] == "Work phone"
    (told,) = list_events(event_type="accounts.factor_renamed")
    assert told.resource_id == str(factor.handle)
    factor.refresh_from_db()
    assert b"Work" not in bytes(factor.name_sealed)
    unnamed = client.patch(f"{FACTORS}/{factor.handle}", {"name": ""})
    assert unnamed.json()["name"] == "Authenticator app"


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": "x" * 65}, {"name": []}])
def test_a_bad_name_of_a_factor_is_a_clear_refusal(body):
    client = client_of(make_user("alice", totp=True))

    answer = client.patch(f"{FACTORS}/{TOTPFactor.objects.get().handle}", body)

    assert answer.status_code == 400
    assert "name" in answer.json()["errors"]


def test_anybody_elses_factor_does_not_exist():
    alice, charlie = make_user("alice", totp=True), make_user("charlie", totp=True)
    hers = TOTPFactor.objects.get(user=alice).handle
    client = client_of(charlie)

    assert client.delete(f"{FACTORS}/{hers}").status_code == 404
    renamed = client.patch(f"{FACTORS}/{hers}", {"name": "Mine"})
    assert renamed.status_code == 404
    assert client.delete(f"{FACTORS}/{uuid4()}").status_code == 404
    code = {"code": totp_code(charlie)}
    assert client.post(f"{FACTORS}/{hers}/confirm", code).status_code == 404
    assert str(hers) not in str(client.get(FACTORS).json())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "sms"},
        {"kind": ["totp"]},
        {"kind": "totp", "name": "x" * 65},
        [],
        "totp",
    ],
)
def test_nonsense_begins_nothing(bob, body):
    assert client_of(bob).post(FACTORS, body).status_code == 400
    assert TOTPFactor.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "123456", "passkey": {}},
        {"passkey": []},
        {"passkey": "x"},
        {"passkey": {}},
        {"passkey": {"id": 1, "response": []}},
        {"code": "1" * 49},
    ],
)
def test_nonsense_finishes_nothing(bob, body):
    client = client_of(bob)
    begun = client.post(FACTORS, {"kind": "passkey"}).json()

    refused = client.post(f"{FACTORS}/{begun['id']}/confirm", body)

    assert refused.status_code in (400, 404)
    assert Passkey.objects.count() == 0


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/mfa/passkey", {"mfa_session_id": "x"}, "not_found"),
        ("/mfa/passkey", {"mfa_session_id": str(uuid4())}, "not_found"),
        ("/mfa", {"mfa_session_id": str(uuid4()), "passkey": {}}, "not_found"),
        ("/mfa", {"mfa_session_id": str(uuid4())}, "invalid"),
        ("/passkey", {"ticket": "x", "passkey": {}}, "challenge_expired"),
        ("/passkey", {"ticket": "x"}, "invalid"),
    ],
)
def test_nonsense_signs_nobody_in(path, body, code):
    refused = APIClient().post(TOKEN + path, body)

    assert refused.json()["code"] == code
    assert AuthSession.objects.count() == 0


def test_a_wrong_passkey_signs_nobody_in(bob):
    set_up_passkey(bob)
    sessions = AuthSession.objects.count()
    ticket = APIClient().post(f"{TOKEN}/passkey/ask").json()
    stranger = SoftPasskey()

    refused = APIClient().post(
        f"{TOKEN}/passkey",
        {"ticket": ticket["ticket"], "passkey": stranger.get(ticket["options"])},
    )

    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_passkey")
    assert AuthSession.objects.count() == sessions


def test_a_browser_that_sets_a_factor_up_is_verified(bob):
    client = sign_in_browser(Client(), bob)
    client.post("/account/confirm", {"password": PASSWORD})
    begun = client.post(FACTORS, {"kind": "totp"}, content_type="application/json")
    cookie = client.cookies["session"].value

    client.post(
        f"{FACTORS}/{begun.json()['id']}/confirm",
        {"code": totp_code(bob)},
        content_type="application/json",
    )

    assert client.cookies["session"].value != cookie
    assert client.get("/account").context["user"].is_verified()


def test_nobody_signed_in_sees_nothing():
    assert APIClient().get(FACTORS).status_code == 401
    assert APIClient().post(FACTORS, {"kind": "totp"}).status_code == 401


def test_the_list_costs_the_same_however_long(bob, django_assert_max_num_queries):
    client = client_of(bob)
    for n in range(5):
        set_up_passkey(bob, name=str(n))

    with django_assert_max_num_queries(5):
        assert len(client.get(FACTORS).json()["results"]) == 6

"""Tokens of a provider that lies: none of them signs anybody in."""

import json

import pytest
from joserfc.jwk import ECKey, OctKey

from accounts.models import (
    AuthSession,
)
from accounts.services import oidc
from accounts.tests.provider import (
    CLIENT_SECRET,
    come_back,
    new_key,
    problems,
    sent,
    sign_in,
    who,
)

pytestmark = pytest.mark.django_db


FORGED = {
    "another issuer": ({"iss": "https://evil.example"}, "iss"),
    "no issuer": ({"iss": None}, "iss"),
    "the issuer with a slash": ({"iss": "{issuer}/"}, "iss"),
    "issuers": ({"iss": ["{issuer}"]}, "iss"),
    "another audience": ({"aud": "somebody-else"}, "aud"),
    "no audience": ({"aud": None}, "aud"),
    "one more audience": ({"aud": ["chatsec-at-acme", "other"]}, "azp"),
    "one more audience, azp ours": (
        {"aud": ["chatsec-at-acme", "other"], "azp": "chatsec-at-acme"},
        "aud",
    ),
    "another party": ({"azp": "other"}, "azp"),
    "another nonce": ({"nonce": "of-another-sign-in"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "a nonce that is a number": ({"nonce": 7}, "nonce"),
    "no subject": ({"sub": None}, "sub"),
    "an empty subject": ({"sub": ""}, "sub"),
    "a subject that is a number": ({"sub": 1}, "sub"),
    "a long subject": ({"sub": "s" * 256}, "sub"),
    "expired": ({"exp": 1_000_000}, "exp"),
    "no end": ({"exp": None}, "exp"),
    "an end that is no number": ({"exp": "tomorrow"}, "exp"),
    "no beginning": ({"iat": None}, "iat"),
    "from before it was asked for": ({"iat": 1_700_000_000}, "iat"),
    "from the future": ({"iat": 9_000_000_000, "exp": 9_000_000_300}, "iat"),
    "not yet": ({"nbf": 9_000_000_000}, "nbf"),
    "a hash of another access token": (
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        "at_hash",
    ),
    "amr that is no list": ({"amr": {"mfa": True}}, "amr"),
    "amr that is one word": ({"amr": "mfa"}, "amr"),
}


@pytest.mark.parametrize("name", FORGED)
def test_it_refuses_a_token_with(client, acme, linked, name):
    claims, problem = FORGED[name]
    text = json.dumps(claims).replace("{issuer}", acme.issuer)
    acme.claims = json.loads(text)

    answer = sign_in(client)

    assert answer.status_code == 401, answer.content
    assert b"could not be verified" in answer.content
    assert who(client) is None
    assert not AuthSession.objects.exists()
    assert problems() == [problem]


def test_it_refuses_a_signature_of_another_key(client, acme, linked):
    acme.keys = [new_key("one")]

    assert sign_in(client).status_code == 401
    assert problems() == ["signature or form"]


NONE_HEADER = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}


@pytest.mark.parametrize(
    "token",
    [
        f"{NONE_HEADER}.{{claims}}.",
        f"{NONE_HEADER}.{{claims}}.{{signature}}",
        "{header}.{claims}.",
        "{header}.{claims}",
        "{header}..{signature}",
        "{header}.{claims}.{signature}.{signature}",
        "a.b.c",
        "\x00",
        "x" * 20_000,
    ],
)
def test_it_refuses_a_token_of_the_form(client, acme, linked, token):
    back = come_back(sent(client))
    good = acme.sign(acme.claims_of(acme.last_asked, "a")).split(".")
    parts = dict(zip(("header", "claims", "signature"), good, strict=True))
    acme.id_token = token.format(**parts)

    assert client.get(back).status_code == 401
    assert not AuthSession.objects.exists()


def test_it_refuses_an_answer_without_a_token(client, acme, linked):
    acme.token_body = b'{"access_token": "a", "token_type": "Bearer"}'

    assert sign_in(client).status_code == 401
    assert problems() == ["no ID token"]


def test_it_refuses_the_client_secret_as_a_signing_key(client, acme, linked):
    acme.published = {"id_token_signing_alg_values_supported": ["HS256", "RS256"]}
    acme.key = OctKey.import_key(CLIENT_SECRET, {"kid": "one"})
    acme.algorithm = "HS256"
    acme.keys = [new_key("one")]

    assert sign_in(client).status_code == 401
    assert problems() == ["algorithm"]


def test_it_refuses_an_algorithm_that_the_provider_does_not_announce(
    client, acme, linked
):
    acme.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
    acme.algorithm = "ES256"
    acme.published = {"id_token_signing_alg_values_supported": ["RS256"]}

    assert sign_in(client).status_code == 401
    assert problems() == ["algorithm"]


def test_it_takes_elliptic_curves(client, acme, linked):
    acme.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
    acme.algorithm = "ES256"

    assert sign_in(client).status_code == 302


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
    ],
)
def test_it_refuses_a_header_of(client, acme, linked, header):
    acme.header = header

    assert sign_in(client).status_code == 401


def test_it_learns_new_keys_once_they_are_used(client, acme, linked, monkeypatch):
    assert sign_in(client).status_code == 302
    acme.key = new_key("two")
    monkeypatch.setattr(oidc, "KEYS_AGAIN_AFTER_SECONDS", 0)
    acme.requests.clear()

    assert sign_in(client).status_code == 302
    assert acme.requests.count("/keys") == 1


def test_a_flood_of_unknown_keys_asks_the_provider_once(client, acme, linked):
    acme.keys = [new_key("published")]
    for _ in range(3):
        assert sign_in(client).status_code == 401
    assert acme.requests.count("/keys") == 1

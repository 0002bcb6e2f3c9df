import base64
import json
import os
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import access_tokens
from accounts.errors import InvalidToken
from accounts.models import AuthSession
from accounts.tests.factories import make_session, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(make_user("alice"))


@pytest.fixture
def signing(settings):
    """Return the key that signs, and its id."""
    kid, seed = next(iter(settings.CHATSEC_TOKEN_KEYS.items()))
    return kid, Ed25519PrivateKey.from_private_bytes(seed)


@pytest.fixture
def forge(session, signing):
    """Return a maker of tokens that differ from a good one as told."""
    good = jwt.decode(
        access_tokens.sign(session).text, options={"verify_signature": False}
    )
    kid, key = signing

    def token(*, drop=(), headers=None, key=key, algorithm="EdDSA", **claims):
        body = {k: v for k, v in {**good, **claims}.items() if k not in drop}
        head = {"kid": kid, "typ": "at+jwt", **(headers or {})}
        return jwt.encode(body, key, algorithm=algorithm, headers=head)

    return token


def refused(token):
    with pytest.raises(InvalidToken):
        access_tokens.verify(token)
    return True


def test_a_good_token_says_whose_it_is(session, forge):
    for token in (access_tokens.sign(session).text, forge()):
        claims = access_tokens.verify(token)

        assert claims == access_tokens.AccessClaims(session.user_id, session.id)


def test_it_says_all_that_rfc_9068_wants(session, settings):
    token = access_tokens.sign(session).text

    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert set(access_tokens.REQUIRED) == set(claims)
    assert claims["iss"] == settings.CHATSEC_PUBLIC_URL
    assert claims["aud"] == "chatsec-api"
    assert claims["amr"] == ["pwd"]
    assert claims["exp"] - claims["iat"] == 600


def test_it_does_not_outlive_its_session(session):
    session.expires_at = timezone.now() + timedelta(seconds=90)

    assert access_tokens.sign(session).expires_in <= 90


@pytest.mark.parametrize("claim", access_tokens.REQUIRED)
def test_it_refuses_a_token_without(claim, forge):
    assert refused(forge(drop=(claim,)))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": ["chatsec-api", "somebody-else"]},
        {"sub": "not-an-id"},
        {"sub": None},
        {"sub": 7},
        {"sid": "not-an-id"},
        {"sid": ["x"]},
        {"sid": None},
        {"exp": "soon"},
        {"exp": None},
        {"exp": 0},
    ],
)
def test_it_refuses_wrong_claims(claims, forge):
    assert refused(forge(**claims))


@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [
        ("exp", -1, False),
        ("exp", 5, True),
        ("nbf", 60, False),
        ("iat", 60, False),
        ("nbf", 2, True),
    ],
)
def test_it_minds_the_clock(claim, seconds, good, forge):
    token = forge(**{claim: int(timezone.now().timestamp()) + seconds})

    assert bool(access_tokens.verify(token)) if good else refused(token)


@pytest.mark.parametrize(
    "headers",
    [
        {"typ": "JWT"},
        {"typ": "at+JWT"},
        {"typ": "refresh+jwt"},
        {"kid": "unknown"},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": "http://127.0.0.1:1/key"},
        {"jku": "http://127.0.0.1:1/jwks.json"},
        {"x5u": "http://127.0.0.1:1/cert"},
        {"x5c": ["AAAA"]},
        {"jwk": {"kty": "OKP"}},
        {"crit": ["b64"], "b64": True},
        {"crit": ["exp"]},
        {"cty": "JWT"},
    ],
)
def test_it_refuses_other_headers(headers, forge):
    assert refused(forge(headers=headers))


def test_it_refuses_a_token_without_key_id_or_type(forge, signing):
    good = jwt.decode(forge(), options={"verify_signature": False})

    assert refused(jwt.encode(good, signing[1], algorithm="EdDSA"))
    assert refused(
        jwt.encode(good, signing[1], algorithm="EdDSA", headers={"kid": signing[0]})
    )


def b64(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_it_refuses_unsigned_tokens(name, signature, forge, signing):
    body = forge().split(".")[1]
    head = b64({"alg": name, "typ": "at+jwt", "kid": signing[0]})

    assert refused(f"{head}.{body}.{signature}")


def test_it_refuses_the_public_key_as_a_secret(forge, signing):
    public = signing[1].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    for algorithm in ("HS256", "HS384", "HS512"):
        assert refused(forge(key=public.ljust(64, b"0"), algorithm=algorithm))


def test_it_refuses_other_keys_and_algorithms(forge):
    elliptic = ec.generate_private_key(ec.SECP256R1())

    assert refused(forge(key=Ed25519PrivateKey.generate()))
    assert refused(forge(key=elliptic, algorithm="ES256"))


def test_it_refuses_changed_tokens(forge):
    head, body, signature = forge().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = b64({**claims, "sub": claims["sid"]})

    assert refused(f"{head}.{other}.{signature}")
    assert refused(f"{head}.{body}.")
    assert refused(f"{head}.{body}")
    assert refused(f"{head}.{body}.{b64(bytes(64))}")
    assert refused(f"{head}.{body}.{signature}.{signature}")
    assert refused(json.dumps({"protected": head, "payload": body, "signature": "x"}))


def test_it_refuses_what_is_too_long_or_too_deep(forge):
    deep = json.loads("[" * 500 + "]" * 500)

    assert refused(forge(padding="x" * 8192))
    assert refused("a" * 8193)
    assert refused(b64(b"[" * 5000) + ".a.a")
    assert access_tokens.verify(forge(extra=deep))


@given(st.text(max_size=200))
def test_it_refuses_any_text(text):
    assert refused(text)


@given(st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_it_refuses_any_three_parts(parts):
    assert refused(".".join(b64(part) for part in parts))


def test_an_old_key_verifies_until_it_is_taken_away(session, settings):
    old = dict(settings.CHATSEC_TOKEN_KEYS)
    token = access_tokens.sign(session).text

    settings.CHATSEC_TOKEN_KEYS = {"next": os.urandom(32), **old}
    newer = access_tokens.sign(session).text
    assert jwt.get_unverified_header(newer)["kid"] == "next"
    assert access_tokens.verify(token)
    assert access_tokens.verify(newer)

    settings.CHATSEC_TOKEN_KEYS = {"next": settings.CHATSEC_TOKEN_KEYS["next"]}
    assert refused(token)
    assert access_tokens.verify(newer)


def test_the_key_set_is_public_and_enough(session, settings, client):
    answer = client.get("/.well-known/jwks.json")

    assert answer["Cache-Control"] == "public, max-age=300"
    keys = jwt.PyJWKSet.from_dict(answer.json())
    token = access_tokens.sign(session).text
    kid = jwt.get_unverified_header(token)["kid"]
    assert jwt.decode(
        token, keys[kid], algorithms=["EdDSA"], audience=access_tokens.AUDIENCE
    )
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "crv", "use", "alg", "kid", "x"}
    for seed in settings.CHATSEC_TOKEN_KEYS.values():
        private = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
            Encoding.Raw, PrivateFormat.Raw, NoEncryption()
        )
        assert b64(private) not in answer.content.decode()


def test_a_token_says_nothing_of_its_session_being_over(session):
    token = access_tokens.sign(session).text
    AuthSession.objects.update(revoked_at=timezone.now())

    # That is why the authenticator looks the session up on each request.
    assert access_tokens.verify(token)

"""The verification of tokens by itself: key sets, algorithms, and what is no token."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from accounts import id_tokens
from accounts.id_tokens import (
    Expected,
    TokenRefused,
    UnknownKey,
    signing_keys,
    verify_id_token,
    verify_logout_token,
)
from accounts.tests.provider import HONEST_KEY, new_key
from chatsec.core.errors import Json

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EXPECTED = Expected(
    "https://id.example", "client", ("RS256", "ES256"), nonce="n", issued_after=NOW
)
KEYS = signing_keys({"keys": [cast("Json", HONEST_KEY.as_dict(private=False))]})
CLAIMS = {
    "iss": "https://id.example",
    "aud": "client",
    "sub": "alice",
    "nonce": "n",
    "iat": NOW.timestamp(),
    "exp": NOW.timestamp() + 60,
}


def signed(claims=CLAIMS, key=HONEST_KEY, alg="RS256", **header):
    header = {"alg": alg, "kid": key.kid, **header}
    return jwt.encode(header, dict(claims), key, algorithms=[alg])


def verified(token, *, keys=KEYS, now=NOW, expected=EXPECTED):
    return verify_id_token(token, keys, expected=expected, now=now)


def test_it_returns_the_claims_of_a_good_token():
    assert verified(signed()).subject == "alice"
    assert verified(signed({**CLAIMS, "aud": ["client"]})).subject == "alice"
    assert verified(signed({**CLAIMS, "azp": "client"})).subject == "alice"


@pytest.mark.parametrize(
    ("seconds", "good"), [(0, True), (89, True), (90, False), (-30, True), (-31, False)]
)
def test_clocks_may_differ_by_half_a_minute(seconds, good):
    now = NOW + timedelta(seconds=seconds)
    if good:
        assert verified(signed(), now=now)
        return
    with pytest.raises(TokenRefused, match=r"exp|iat"):
        verified(signed(), now=now)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, None, "1", [], {}])
@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_time_is_a_finite_number(name, value):
    header = base64.urlsafe_b64encode(
        json.dumps({"alg": "RS256", "kid": "one"}).encode()
    )
    claims = base64.urlsafe_b64encode(json.dumps({**CLAIMS, name: value}).encode())
    text = b".".join(part.rstrip(b"=") for part in (header, claims))
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    signature = HONEST_KEY.private_key.sign(text, PKCS1v15(), SHA256())
    token = text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")

    with pytest.raises(TokenRefused):
        verified(token.decode())


def test_no_nonce_asked_for_is_no_match_for_none():
    for given_nonce in ("", "None"):
        with pytest.raises(TokenRefused, match="nonce"):
            verified(
                signed({k: v for k, v in CLAIMS.items() if k != "nonce"}),
                expected=Expected(
                    "https://id.example", "client", ("RS256",), nonce=given_nonce
                ),
            )


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("HS256", "none")])
def test_no_common_algorithm_is_a_refusal_not_a_default(algorithms):
    expected = Expected("https://id.example", "client", algorithms, nonce="n")

    with pytest.raises(TokenRefused, match="algorithm"):
        verified(signed(), expected=expected)


@pytest.mark.parametrize("is_public_key", [True, False])
def test_the_public_key_is_no_hmac_secret(is_public_key):
    secret = HONEST_KEY.as_pem(private=False) if is_public_key else b"client-secret"
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "kid": "one"}, CLAIMS)
    )
    digest = hmac.digest(secret, text.encode(), "sha256")
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    with pytest.raises(TokenRefused, match="algorithm"):
        verified(f"{text}.{signature}")


def test_a_key_of_another_kind_does_not_sign():
    key = ECKey.generate_key("P-256", {"kid": "one"})

    with pytest.raises(TokenRefused):
        verified(signed(key=key, alg="ES256"))


@pytest.mark.parametrize("kid", ["two", "../../etc/passwd", "' OR 1=1", "https://evil"])
def test_an_unknown_key_is_told_from_a_bad_signature(kid):
    with pytest.raises(UnknownKey):
        verified(signed(key=HONEST_KEY, kid=kid))


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_a_token_brings_no_keys(name):
    with pytest.raises(TokenRefused, match="brings its own key"):
        verified(signed(**{name: "https://evil.example/keys"}))


def test_a_token_brings_no_jwk():
    evil = new_key("one")

    with pytest.raises(TokenRefused):
        verified(signed(key=evil, jwk=evil.as_dict(private=False)))


def test_a_key_set_gives_only_keys_that_may_sign():
    curve = ECKey.generate_key("P-256", {"kid": "ec"})
    edwards = OKPKey.generate_key("Ed25519", {"kid": "okp"})
    document = {
        "keys": [
            curve.as_dict(private=False),
            edwards.as_dict(private=False),
            OctKey.generate_key(256, {"kid": "oct"}).as_dict(private=True),
            {**HONEST_KEY.as_dict(private=False), "use": "enc", "kid": "enc"},
            RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False),
            {"kty": "RSA", "n": "!", "e": 7, "kid": "broken"},
            {"kty": ["RSA"]},
            {"kty": "AKP", "kid": "new"},
            "no key",
            None,
        ]
    }

    assert [key.kid for key in signing_keys(document).keys] == ["ec", "okp"]


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"keys": {}}, {"keys": []}, {"keys": [{}]}]
)
def test_a_key_set_without_keys_is_refused(document):
    with pytest.raises(TokenRefused):
        signing_keys(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin")))
def test_what_is_no_token_is_refused_and_nothing_else(text):
    with pytest.raises(TokenRefused):
        verified(text)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "jku", "b64", "x"]), JSON
    ),
    st.dictionaries(st.sampled_from([*CLAIMS, "azp", "amr", "at_hash"]), JSON),
)
def test_parts_of_any_shape_are_refused_and_nothing_else(header, claims):
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, claims)
    ]
    with pytest.raises(TokenRefused):
        verified(".".join([*parts, "AAAA"]))


@given(st.dictionaries(st.sampled_from([*CLAIMS, "azp", "amr", "at_hash"]), JSON))
def test_signed_claims_of_any_shape_are_refused_or_are_right(changed):
    whole = {**CLAIMS, **changed}
    try:
        found = verified(signed(whole))
    except TokenRefused:
        return
    assert found.claims["iss"] == "https://id.example"
    assert found.claims["aud"] in ("client", ["client"])
    assert found.claims["nonce"] == "n"


@given(st.dictionaries(st.sampled_from(["events", "sub", "sid", "jti", "nonce"]), JSON))
def test_logout_claims_of_any_shape_are_refused_or_are_right(changed):
    event = {"events": {id_tokens.LOGOUT_EVENT: {}}, "jti": "j"}
    plain = {name: value for name, value in CLAIMS.items() if name != "nonce"}
    expected = Expected("https://id.example", "client", ("RS256",))
    try:
        found = verify_logout_token(
            signed({**plain, **event, **changed}), KEYS, expected=expected, now=NOW
        )
    except TokenRefused:
        return
    assert found.text("jti")
    assert found.subject or found.text("sid")


def test_a_deep_token_is_refused():
    deep = "[" * 5000 + "]" * 5000
    header = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"one"}').decode()
    body = base64.urlsafe_b64encode(deep.encode()).rstrip(b"=").decode()

    for token in (f"{header}.{body}.AAAA", f"{body}.{body}.AAAA"):
        with pytest.raises(TokenRefused):
            verified(token)


def test_an_address_counts_only_if_the_provider_says_that_it_checked_it():
    told = {"email": "a@example.org"}

    assert id_tokens.Verified({**told, "email_verified": True}).verified_email()
    for word in ("true", 1, None, False):
        unsure = id_tokens.Verified({**told, "email_verified": word})
        assert unsure.verified_email() == ""

"""What an identity provider signed: verified here, or refused with the reason.

OpenID Connect Core 1.0 section 3.1.3.7, RFC 8725. Only what the verification returns
is believed; nothing reads a claim before it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    ClaimError,
    InvalidKeyIdError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import JWKRegistry, Key, KeySet, RSAKey
from joserfc.jws import JWSRegistry

from accounts.models.identities import MAX_SUBJECT
from chatsec.core.errors import Json

# Signatures by a key pair only: with HMAC the client secret could forge tokens.
ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519"),
)
KEY_TYPES = ("RSA", "EC", "OKP")
MIN_RSA_BITS = 2048
MAX_TOKEN_BYTES = 16 * 1024
LEEWAY = timedelta(seconds=30)
LOGOUT_LIFE = timedelta(days=1)
# Keys that a token brings along prove nothing about who signed it.
FOREIGN_KEY_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class TokenRefused(Exception):
    """The token does not prove what it says; `reason` is for the evidence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownKey(TokenRefused):
    """The token names a key that is not in the set: it may be a new one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What this installation asked for, against which a token is held."""

    issuer: str
    client_id: str
    algorithms: Sequence[str]
    nonce: str = ""
    issued_after: datetime | None = None
    access_token: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The claims of a token whose signature, issuer and audience are right."""

    claims: Mapping[str, Json]

    @property
    def subject(self) -> str:
        """Return who it is about, as the issuer names him."""
        return self.text("sub")

    def text(self, name: str) -> str:
        """Return a claim that is a string; "" for anything else."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a claim that is a list of strings, or one string, as strings."""
        value = self.claims.get(name)
        values = value if isinstance(value, list) else [value]
        return tuple(each for each in values if isinstance(each, str))

    def verified_email(self) -> str:
        """Return the e-mail address if the provider says that it checked it."""
        return self.text("email") if self.claims.get("email_verified") is True else ""


def signing_keys(document: Json) -> KeySet:
    """Return the public keys of a JWK set that may sign; raise TokenRefused.

    Keys for encryption, symmetric keys, short RSA keys and whatever cannot be read are
    left out (RFC 7517 section 5).
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise TokenRefused("no key set")
    keys = [key for each in listed if (key := _signing_key(each)) is not None]
    if not keys:
        raise TokenRefused("no key that signs")
    return KeySet(keys)


def _signing_key(document: Json) -> Key | None:
    if not isinstance(document, dict) or document.get("kty") not in KEY_TYPES:
        return None
    if document.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(cast("dict[str, str | list[str]]", document))
        strong = not isinstance(key, RSAKey) or _bits(key) >= MIN_RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if strong else None


def _bits(key: RSAKey) -> int:
    size: int = key.public_key.key_size
    return size


def verify_id_token(
    raw: str, keys: KeySet, *, expected: Expected, now: datetime
) -> Verified:
    """Return the claims of an ID token that answers this very request."""
    token = _decode(raw, keys, algorithms=expected.algorithms, kinds=("", "jwt"))
    claims = _checked(token, expected, now=now)
    nonce = claims.get("nonce")
    if (
        not isinstance(nonce, str)
        or not nonce
        or not hmac.compare_digest(nonce.encode(), expected.nonce.encode())
    ):
        raise TokenRefused("nonce")
    if not claims["sub"]:
        raise TokenRefused("sub")
    return Verified(claims)


def verify_logout_token(
    raw: str, keys: KeySet, *, expected: Expected, now: datetime
) -> Verified:
    """Return the claims of a logout token (Back-Channel Logout 1.0 section 2.6)."""
    kinds = ("", "jwt", "logout+jwt")
    token = _decode(raw, keys, algorithms=expected.algorithms, kinds=kinds)
    if "nonce" in token.claims:
        raise TokenRefused("nonce")
    told = token.claims.get("events")
    if not isinstance(told, dict) or not isinstance(told.get(LOGOUT_EVENT), dict):
        raise TokenRefused("events")
    # Who is meant may be named by session alone.
    subject = token.claims.setdefault("sub", "")
    checked = Verified(_checked(token, expected, now=now))
    if not checked.text("jti") or not (subject or checked.text("sid")):
        raise TokenRefused("jti, sub or sid")
    return checked


def _decode(
    raw: str, keys: KeySet, *, algorithms: Sequence[str], kinds: Sequence[str]
) -> jwt.Token:
    allowed = [name for name in ALGORITHMS if name in algorithms]
    # An empty list would mean "any that the library likes".
    if not allowed:
        raise TokenRefused("no common algorithm")
    if len(raw.encode(errors="replace")) > MAX_TOKEN_BYTES:
        raise TokenRefused("too long")
    registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
    try:
        token = jwt.decode(raw, keys, registry=registry)
    except InvalidKeyIdError as error:
        raise UnknownKey("unknown key") from error
    except UnsupportedAlgorithmError as error:
        raise TokenRefused("algorithm") from error
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise TokenRefused("signature or form") from error
    if FOREIGN_KEY_HEADERS & token.header.keys():
        raise TokenRefused("brings its own key")
    if str(token.header.get("typ", "")).lower() not in kinds:
        raise TokenRefused("typ")
    return token


def _checked(token: jwt.Token, expected: Expected, *, now: datetime) -> dict[str, Json]:
    """Hold the claims against what was asked for; raise TokenRefused."""
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    params = {"client_id": expected.client_id, "access_token": expected.access_token}
    claims = CodeIDToken(token.claims, token.header, options, params)
    try:
        claims.validate(int(now.timestamp()), int(LEEWAY.total_seconds()))
    except ClaimError as error:
        raise TokenRefused(str(error.claim)) from error
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise TokenRefused("claims") from error
    # An audience besides this installation is one that it does not know to trust.
    if claims["aud"] not in (expected.client_id, [expected.client_id]):
        raise TokenRefused("aud")
    if len(claims["sub"]) > MAX_SUBJECT:
        raise TokenRefused("sub")
    asked_at = expected.issued_after
    if asked_at is not None and claims["iat"] < (asked_at - LEEWAY).timestamp():
        raise TokenRefused("iat")
    return cast("dict[str, Json]", dict(claims))

"""Access tokens: short-lived, signed, and never believed without their session.

RFC 9068 (JWT access tokens) with Ed25519 (RFC 8037); the checks follow RFC 8725.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from django.conf import settings
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.constants import ACCESS_TOKEN_LIFE, CLOCK_SKEW, MAX_TOKEN_BYTES
from accounts.errors import InvalidToken
from accounts.models import AuthSession

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
AUDIENCE = "chatsec-api"
# Whatever else a header carries (jku, x5u, jwk, crit, b64...) is refused, not read.
HEADER = {"alg", "typ", "kid"}
REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "auth_time", "amr"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid access token says: whose it is, and of which session."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token as it is sent, and how long it holds."""

    text: str
    expires_in: int


def sign(session: AuthSession, *, now: datetime | None = None) -> SignedToken:
    """Return an access token of the session, which it does not outlive."""
    now = now or timezone.now()
    expires_at = min(now + ACCESS_TOKEN_LIFE, session.expires_at)
    claims: dict[str, object] = {
        "iss": settings.CHATSEC_PUBLIC_URL,
        "aud": AUDIENCE,
        "sub": str(session.user_id),
        "sid": str(session.id),
        "jti": str(uuid7()),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "auth_time": int(session.authenticated_at.timestamp()),
        "amr": list(session.amr),
    }
    life = int(expires_at.timestamp()) - int(now.timestamp())
    return SignedToken(sign_claims(claims, token_type=TYPE), life)


def sign_claims(claims: dict[str, object], *, token_type: str) -> str:
    """Return the claims signed with the current key, as a token of that type."""
    kid, key = _signing_key(timezone.now())
    headers = {"kid": kid, "typ": token_type}
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers=headers)


def verify(token: str) -> AccessClaims:
    """Return what the token says; raise InvalidToken for anything else."""
    if len(token) > MAX_TOKEN_BYTES or not token.isascii():
        raise InvalidToken
    try:
        claims = jwt.decode(
            token,
            _public_key(jwt.get_unverified_header(token)),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=settings.CHATSEC_PUBLIC_URL,
            leeway=CLOCK_SKEW,
            options={"require": REQUIRED, "strict_aud": True},
        )
        # The leeway is for clocks that run ahead, not for a longer life.
        if claims["exp"] <= timezone.now().timestamp():
            raise InvalidToken
        return AccessClaims(UUID(claims["sub"]), UUID(claims["sid"]))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as e:
        raise InvalidToken from e


def public_keys() -> dict[Literal["keys"], list[dict[str, str]]]:
    """Return the key set (RFC 7517) with which others can check our tokens."""
    return {"keys": [_as_jwk(kid, key) for kid, key in _keys().items()]}


def _keys() -> dict[str, Ed25519PrivateKey]:
    """Return the keys that verify now."""
    now = timezone.now().timestamp()
    return {
        kid: _private_key(seed)
        for kid, seed in settings.CHATSEC_TOKEN_KEYS.items()
        if not (until := _times(kid)[1]) or now < until
    }


def _private_key(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def _signing_key(now: datetime) -> tuple[str, Ed25519PrivateKey]:
    """Return the key that began to sign last; before its time a new one only verifies.

    It is published meanwhile, so that every process and every client that keeps the key
    set for five minutes knows it when the first token comes.
    """
    begun = {kid: _times(kid)[0] for kid in settings.CHATSEC_TOKEN_KEYS}
    signing = {kid: at for kid, at in begun.items() if at <= now.timestamp()} or begun
    # Of keys that began together the first one signs.
    kid = max(signing, key=lambda each: signing[each])
    return kid, _private_key(settings.CHATSEC_TOKEN_KEYS[kid])


def _times(kid: str) -> tuple[int, int]:
    """Return from when the key signs and until when it verifies; 0 is no limit."""
    found: tuple[int, int] = settings.CHATSEC_TOKEN_KEY_TIMES.get(kid, (0, 0))
    return found


def _public_key(header: dict[str, object]) -> Ed25519PublicKey:
    if set(header) != HEADER or header["typ"] != TYPE or header["alg"] != ALGORITHM:
        raise InvalidToken
    key = _keys().get(str(header["kid"]))
    if key is None:
        raise InvalidToken
    return key.public_key()


def _as_jwk(kid: str, key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    point = urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": ALGORITHM,
        "kid": kid,
        "x": point,
    }

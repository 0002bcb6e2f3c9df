"""ID tokens: what an app learns of who signed in (OpenID Connect Core section 2)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha512

from django.conf import settings
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts import access_tokens
from accounts.constants import ACCESS_TOKEN_LIFE
from accounts.models import AuthSession

# Not that of access tokens: the one is never taken for the other (RFC 8725, 3.11).
TYPE = "JWT"


def sign(session: AuthSession, *, client_id: str, nonce: str, access: str) -> str:
    """Return a token for this app alone, about the sign-in of this session."""
    now = timezone.now()
    claims: dict[str, object] = {
        "iss": settings.CHATSEC_PUBLIC_URL,
        "aud": client_id,
        "sub": str(session.user_id),
        "jti": str(uuid7()),
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_TOKEN_LIFE).timestamp()),
        "auth_time": int(session.authenticated_at.timestamp()),
        "amr": list(session.amr),
        "at_hash": _left_half(access),
    }
    if nonce:
        claims["nonce"] = nonce
    return access_tokens.sign_claims(claims, token_type=TYPE)


def _left_half(text: str) -> str:
    """Return the left half of the digest that goes with Ed25519: SHA-512."""
    digest = sha512(text.encode("ascii")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()

"""What the protocol library asks: answered from chatsec's own codes and sessions.

The library's grants, access, refresh and ID token tables are never written: rotating
there lets several of many parallel callers win. A token is a session's token here, as
for every other device (docs/adr/0013-connected-apps.md).
"""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import unquote_plus

from django.conf import settings
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

from accounts.app_scopes import in_order
from accounts.constants import NOT_SIGNED_IN_MESSAGE
from accounts.errors import InvalidToken
from accounts.models import AuthSession, OAuthApplication
from accounts.oauth import id_tokens
from accounts.services import oauth, tokens
from accounts.services.applications import secret_matches
from chatsec.core.context import current_actor
from chatsec.core.errors import Unauthenticated

GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token"})
S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
NONCE: Final = re.compile(r"[\x20-\x7e]{0,255}")
# Where the request keeps what was opened or rotated for it.
PAIR: Final = "chatsec_pair"
CODE: Final = "chatsec_code"


def access_token_for(request: Request) -> str:
    """Return the access token that this request earns; the library calls it first."""
    return _pair(request).access


def refresh_token_for(request: Request) -> str:
    """Return the refresh token that goes with it."""
    return _pair(request).refresh


def _pair(request: Request) -> tokens.TokenPair:
    """Return the request's tokens, made once."""
    made: tokens.TokenPair | None = getattr(request, PAIR, None)
    if made is None:
        made = oauth.redeem(getattr(request, CODE))
        setattr(request, PAIR, made)
    return made


class Validator(OAuth2Validator):
    """Checks apps, codes and tokens against accounts' own tables."""

    # Who the app is.

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        """Refuse: secrets are checked below, against their keyed digest."""
        return False

    def _authenticate_basic_auth(self, request: Request) -> bool:
        """Check the app's id and secret in the header (RFC 6749 section 2.3.1)."""
        given = basic_credentials(self._extract_basic_auth(request) or "")
        if given is None or request.client_id not in (None, given[0]):
            return False
        return self._is_authentic(request, *given)

    def _authenticate_request_body(self, request: Request) -> bool:
        """Check the app's id and secret in the body; never a second way at once."""
        if self._extract_basic_auth(request):
            return False
        return self._is_authentic(
            request, request.client_id or "", request.client_secret or ""
        )

    def _is_authentic(self, request: Request, client_id: str, secret: str) -> bool:
        application: OAuthApplication | None = self._load_application(
            client_id, request
        )
        return application is not None and secret_matches(application, secret)

    # What it may ask for.

    def validate_grant_type(
        self, client_id: str, grant_type: str, *_args: object, **_kwargs: object
    ) -> bool:
        """Allow the one grant and its refresh, for this API."""
        _refuse_other_resources(_args[-1])
        return grant_type in GRANT_TYPES

    def validate_response_type(
        self, client_id: str, response_type: str, *_args: object, **_kwargs: object
    ) -> bool:
        """Allow codes only (RFC 9700 section 2.1.2)."""
        request: Request = _args[-1]
        if not NONCE.fullmatch(request.nonce or ""):
            raise errors.InvalidRequestError(
                description="The nonce is too long.", request=request
            )
        return bool(response_type == "code")

    def validate_scopes(
        self,
        client_id: str,
        scopes: list[str],
        client: OAuthApplication,
        request: Request,
        *_args: object,
        **_kwargs: object,
    ) -> bool:
        """Allow what the app was registered for, here; at least something."""
        _refuse_other_resources(request)
        return bool(scopes) and set(scopes) <= set(client.offered_scopes)

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        """Require PKCE of every app, confidential ones included; S256 only."""
        challenge = request.code_challenge
        if challenge is not None and (
            request.code_challenge_method != "S256"
            or not S256_CHALLENGE.fullmatch(challenge)
        ):
            raise errors.InvalidRequestError(
                description="PKCE with S256 is required.", request=request
            )
        return True

    def validate_silent_login(self, request: Request) -> bool:
        """Whether somebody is signed in, for prompt=none."""
        return current_actor().is_signed_in

    def validate_silent_authorization(self, request: Request) -> bool:
        """Refuse: a person is asked each time."""
        return False

    # The code.

    def save_authorization_code(
        self, client_id: str, code: dict[str, str], request: Request, *_args: object
    ) -> None:
        """Keep the code's digest with what was agreed to, in which session."""
        oauth.save_code(
            code["code"],
            application=request.client,
            session=_browser_session(),
            asked=oauth.Asked(
                redirect_uri=request.redirect_uri,
                scopes=request.scopes,
                code_challenge=request.code_challenge,
                nonce=request.nonce or "",
            ),
        )

    def validate_code(
        self,
        client_id: str,
        code: str,
        client: OAuthApplication,
        request: Request,
        *_args: object,
        **_kwargs: object,
    ) -> bool:
        """Take the code for this request; it stays locked until the answer is made."""
        taken = oauth.take_code(code, application=client)
        if taken is None:
            return False
        setattr(request, CODE, taken)
        request.user = taken.session.user
        request.scopes = list(taken.scopes)
        return True

    def get_code_challenge(self, code: str, request: Request) -> str:
        """Return the challenge that the verifier has to meet."""
        challenge: str = getattr(request, CODE).code_challenge
        return challenge

    def get_code_challenge_method(self, code: str, request: Request) -> str:
        """Return the only method that there is."""
        return "S256"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, *_args: object, **_: object
    ) -> bool:
        """Whether the address is, letter for letter, the one of the request."""
        request = _args[-1]
        return bool(redirect_uri == getattr(request, CODE).redirect_uri)

    def get_authorization_code_nonce(
        self, client_id: str, code: str, redirect_uri: str, request: Request
    ) -> str | None:
        """Return the nonce that the ID token repeats."""
        nonce: str = getattr(request, CODE).nonce
        return nonce or None

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *_args: object
    ) -> None:
        """Do nothing more: the code was spent when its session was opened."""

    # Tokens.

    def validate_refresh_token(
        self,
        refresh_token: str,
        client: OAuthApplication,
        request: Request,
        *_args: object,
        **_kwargs: object,
    ) -> bool:
        """Rotate at once, under the family's lock: to look first is to race."""
        session = oauth.find_session_of_refresh(refresh_token)
        if session is None:
            return False
        if not set((request.scope or "").split()) <= set(session.scopes or ()):
            raise errors.InvalidScopeError(request=request)
        try:
            pair = oauth.refresh(
                refresh_token,
                application=client,
                idempotency_key=request.headers.get("HTTP_IDEMPOTENCY_KEY"),
            )
        except InvalidToken:
            return False
        setattr(request, PAIR, pair)
        request.user = session.user
        request.scope = None  # the session's scopes stay; the answer names them
        request.granted_scopes = list(session.scopes or ())
        return True

    def get_original_scopes(
        self, refresh_token: str, request: Request, *_args: object
    ) -> list[str]:
        """Return what was agreed to."""
        return list(in_order(request.granted_scopes))

    def refresh_id_token(self, request: Request) -> bool:
        """Give no new ID token at a refresh: nobody signed in anew."""
        return False

    def save_bearer_token(
        self, token: dict[str, object], request: Request, *_args: object
    ) -> None:
        """Tell the app how long its token really holds; it is kept already."""
        token["expires_in"] = _pair(request).expires_in

    def finalize_id_token(
        self,
        id_token: dict[str, object],
        token: dict[str, str],
        token_handler: object,
        request: Request,
    ) -> str:
        """Return the signed ID token about the sign-in that the code came from."""
        code = getattr(request, CODE)
        return id_tokens.sign(
            code.session,
            client_id=code.application.client_id,
            nonce=code.nonce,
            access=token["access_token"],
        )

    def revoke_token(
        self, token: str, token_type_hint: str, request: Request, *_args: object
    ) -> None:
        """End the app's session that the token belongs to (RFC 7009)."""
        oauth.disconnect(token, application=request.client)


def _refuse_other_resources(request: Request) -> None:
    """Refuse a token for anything but this API (RFC 8707): there is no other."""
    if request.resource and request.resource != settings.CHATSEC_PUBLIC_URL:
        raise errors.CustomOAuth2Error(error="invalid_target", request=request)


def _browser_session() -> AuthSession:
    """Return the session in which the person says yes; codes hang on it."""
    session_id = current_actor().session_id
    if session_id is None:
        raise Unauthenticated(NOT_SIGNED_IN_MESSAGE)
    return AuthSession.objects.get(id=session_id)


def basic_credentials(encoded: str) -> tuple[str, str] | None:
    """Return id and secret of a Basic header, each of them form-encoded."""
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
    client_id, separator, secret = decoded.partition(":")
    given = unquote_plus(client_id), unquote_plus(secret)
    # No database looks for a NUL.
    return given if separator and "\x00" not in "".join(given) else None

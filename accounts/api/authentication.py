"""Who calls the API: a bearer token or a browser's session, checked on each request."""

from __future__ import annotations

from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts import access_tokens
from accounts.constants import NOT_SIGNED_IN_MESSAGE
from accounts.errors import InvalidToken
from accounts.models import AuthSession, User
from accounts.selectors import actor_for_session, find_live_session
from accounts.services.sessions import touch_session
from chatsec.core.context import Channel, set_actor


class AccessTokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer`: the signature says who, the session's row says still."""

    def authenticate(self, request: Request) -> tuple[User, AuthSession] | None:
        """Return the user and session of the token; None where there is no token."""
        scheme, _, token = _authorization(request).partition(" ")
        if scheme.lower() != "bearer":
            return None
        session = _session_of(token.strip())
        touch_session(session, now=timezone.now())
        actor = actor_for_session(session, Channel.API)
        request._request.actor = actor  # type: ignore[attr-defined]  # noqa: SLF001 - the plain request is what middleware and views share
        set_actor(actor)
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says is wanted (RFC 6750)."""
        return "Bearer"


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, as the middleware found it; writes need the CSRF token."""


def _authorization(request: Request) -> str:
    header: bytes = authentication.get_authorization_header(request)
    return header.decode("latin-1")


def _session_of(token: str) -> AuthSession:
    refusal = exceptions.AuthenticationFailed(NOT_SIGNED_IN_MESSAGE, "invalid_token")
    try:
        claims = access_tokens.verify(token)
    except InvalidToken as error:
        raise refusal from error
    session = find_live_session(
        claims.session_id, user_id=claims.user_id, now=timezone.now()
    )
    if session is None:
        raise refusal
    return session

"""Who calls the API: a bearer token or a browser's session, checked on each request."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts import access_tokens, api_keys
from accounts.constants import NOT_SIGNED_IN_MESSAGE
from accounts.errors import InvalidToken
from accounts.models import ApiKey, AuthSession, User
from accounts.polling import counts_as_use
from accounts.required_factors import refusal_of, refusal_of_key
from accounts.selectors import (
    actor_for_key,
    actor_for_session,
    find_api_key,
    find_live_session,
)
from accounts.services.api_keys import record_key_refusal, touch_key
from accounts.services.sessions import touch_session
from chatsec.core import context
from chatsec.core.context import Actor, Channel, set_actor
from chatsec.core.networks import is_within, parse_networks


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer csk_...`: one row says whose, what for and from where.

    The row is read at every request, so a key that was revoked ends with the request
    before. Comes first: what begins like a key is nothing else.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the account and the key; None where there is no key."""
        text = _bearer(request)
        if text is None or not api_keys.is_key(text):
            return None
        key, now = find_api_key(text), timezone.now()
        if key is None:
            raise _refusal()
        if reason := _reason_against(key, now=now):
            record_key_refusal(key, reason=reason, now=now)
            raise _refusal()
        if missing := refusal_of_key(key.user):
            raise missing
        touch_key(key, now=now)
        _name_actor(request, actor_for_key(key))
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says is wanted (RFC 6750)."""
        return "Bearer"


class AccessTokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer`: the signature says who, the session's row says still."""

    def authenticate(self, request: Request) -> tuple[User, AuthSession] | None:
        """Return the user and session of the token; None where there is no token."""
        token = _bearer(request)
        if token is None:
            return None
        session = _session_of(token)
        if counts_as_use(request._request):  # noqa: SLF001 - the plain request knows its view
            touch_session(session, now=timezone.now())
        _name_actor(request, actor_for_session(session, Channel.API))
        refusal = refusal_of(request._request, session)  # noqa: SLF001 - as below
        if refusal is not None:
            raise refusal
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says is wanted (RFC 6750)."""
        return "Bearer"


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, as the middleware found it; writes need the CSRF token."""


def _authorization(request: Request) -> str:
    header: bytes = authentication.get_authorization_header(request)
    return header.decode("latin-1")


def _bearer(request: Request) -> str | None:
    """Return the token of the header, or None where there is none."""
    scheme, _, token = _authorization(request).partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _name_actor(request: Request, actor: Actor) -> None:
    request._request.actor = actor  # type: ignore[attr-defined]  # noqa: SLF001 - the plain request is what middleware and views share
    set_actor(actor)


def _refusal() -> exceptions.AuthenticationFailed:
    """Return the one answer to whatever is no good, so that it tells nothing."""
    return exceptions.AuthenticationFailed(NOT_SIGNED_IN_MESSAGE, "invalid_token")


def _reason_against(key: ApiKey, *, now: datetime) -> str:
    """Return why the key does not let anybody in now, or nothing."""
    if not key.user.is_active:
        return "account_closed"
    if key.revoked_at is not None:
        return "revoked"
    if not key.is_live(now):
        return "expired"
    # Asked first, so that no key that may come from anywhere is opened for it.
    if key.networks_sealed is not None and not is_within(
        context.current().ip, parse_networks(key.networks)
    ):
        return "network"
    return ""


def _session_of(token: str) -> AuthSession:
    refusal = _refusal()
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

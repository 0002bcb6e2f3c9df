"""The signed-in person behind a request."""

from __future__ import annotations

from rest_framework.request import Request

from accounts.constants import NOT_SIGNED_IN_MESSAGE
from accounts.models import AuthSession, User
from chatsec.core.errors import Denied, StepUpRequired, Unauthenticated


def caller(request: Request) -> User:
    """Return who calls; raise Unauthenticated for nobody."""
    if not isinstance(request.user, User):
        raise Unauthenticated(NOT_SIGNED_IN_MESSAGE)
    return request.user


def calling_session(request: Request) -> AuthSession:
    """Return the session that calls; raise Denied for a caller who has none (a key)."""
    caller(request)
    if isinstance(request.auth, AuthSession):
        return request.auth
    session = getattr(request._request.session, "auth_session", None)  # noqa: SLF001 - where the cookie's session is
    if request.auth is not None or not isinstance(session, AuthSession):
        raise Denied("Only somebody who signed in can do this.", code="session_needed")
    return session


def require_second_factor(request: Request) -> None:
    """Ask of the API what the admin site asks of everybody who opens it."""
    if not calling_session(request).has_second_factor:
        raise StepUpRequired("Sign in with a second factor to change accounts.")

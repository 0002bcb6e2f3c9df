"""The signed-in person behind a request."""

from __future__ import annotations

from rest_framework.request import Request

from accounts.constants import NOT_SIGNED_IN_MESSAGE
from accounts.models import User
from chatsec.core.errors import Unauthenticated


def caller(request: Request) -> User:
    """Return who calls; raise Unauthenticated for nobody."""
    if not isinstance(request.user, User):
        raise Unauthenticated(NOT_SIGNED_IN_MESSAGE)
    return request.user

"""Who somebody is. What he may do is `rbac.backends`' answer alone."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from accounts.constants import MAX_PASSWORD_LENGTH
from accounts.models import User
from accounts.services.lockout import Attempt


class PasswordBackend:
    """Compares a password, for those who hold a reserved try.

    `attempt` has no default: Django skips a backend whose arguments are missing, so
    no form or view can have a password checked outside of the lockout's budget.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str,
        password: str,
        *,
        attempt: Attempt,
    ) -> User | None:
        """Return the user of the attempt if the password is his and he is active."""
        user = attempt.user
        if user is None or not user.has_usable_password():
            make_password(password[:MAX_PASSWORD_LENGTH])  # the same work for nobody
            return None
        if len(password) > MAX_PASSWORD_LENGTH or not user.check_password(password):
            return None
        return user if user.is_active else None

    def get_user(self, user_id: UUID | str) -> User | None:
        """Return the user of a signed-in browser if the account is open."""
        return User.objects.filter(id=user_id, is_active=True).first()

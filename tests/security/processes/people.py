"""People for the servers, made by the services, with a password hashed once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from django_otp.oath import TOTP

from accounts.models import TOTPFactor, User
from accounts.services import people, tokens
from accounts.services.factors import enrol_totp
from accounts.services.tokens import TokenPair
from accounts.tests.factories import make_session
from rbac.tests.factories import give_role

PASSWORD = "quiet marble lantern orbit"
NEW_PASSWORD = "another velvet harbour seven"
WRONG = "a guess that is not right"


@dataclass
class People:
    """Makes a new person for each trial: what one trial did, the next does not see."""

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._hash = make_password(PASSWORD)

    def name(self) -> str:
        """Return a name that nobody has."""
        return f"person-{next(self._numbers)}"

    def make(self, *, totp: bool = False, role: str = "") -> User:
        name = self.name()
        user = people.create_user(
            name, password=None, email=f"{name}@example.org", display_name=name
        )
        User.objects.filter(id=user.id).update(password=self._hash)
        user.refresh_from_db()
        if totp:
            factor = enrol_totp(user)
            TOTPFactor.objects.filter(id=factor.id).update(confirmed=True)
        if role:
            give_role(user, role)
        return user


def signed_in(user: User) -> TokenPair:
    """Return the tokens of a new device of the user."""
    return tokens.issue(make_session(user))


def code_of(user: User) -> str:
    """Return the code that the user's app shows now."""
    clock = TOTP(TOTPFactor.objects.get(user=user, confirmed=True).secret)
    clock.time = timezone.now().timestamp()
    return f"{clock.token():06d}"

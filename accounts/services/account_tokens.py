"""Single-use links: issued, looked at, spent. The link itself is kept nowhere."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.constants import (
    EMAIL_CHANGE_LIFE,
    INVITATION_LIFE,
    RESET_LIFE,
)
from accounts.errors import LinkExpired
from accounts.models import AccountToken, User
from chatsec.core.crypto import blind_index

Purpose = AccountToken.Purpose
PREFIX = "csl_"
RANDOM_BYTES = 32
LIFE: Mapping[str, timedelta] = {
    Purpose.INVITATION: INVITATION_LIFE,
    Purpose.RESET: RESET_LIFE,
    Purpose.EMAIL_CHANGE: EMAIL_CHANGE_LIFE,
}


def issue(
    user: User,
    purpose: Purpose,
    *,
    email: str | None = None,
    now: datetime | None = None,
) -> str:
    """Return a new link's token: 256 random bits, of which only a digest is kept."""
    now = now or timezone.now()
    raw = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    token = AccountToken(
        user=user,
        purpose=purpose,
        digest=_digest(raw),
        state_digest=_state(user),
        created_at=now,
        expires_at=now + LIFE[purpose],
    )
    if email is not None:
        token.email = email
    token.save(force_insert=True)
    return raw


def find(
    raw: str, purpose: Purpose, *, now: datetime | None = None
) -> AccountToken | None:
    """Return the link with its user while it is good; looking does not spend it."""
    found = (
        AccountToken.objects.select_related("user")
        .filter(digest=_digest(raw), purpose=purpose)
        .first()
    )
    if found is None or not _is_good(found, now=now or timezone.now()):
        return None
    return found


def spend(raw: str, purpose: Purpose, *, now: datetime | None = None) -> AccountToken:
    """Use the link up, in the caller's transaction; raise LinkExpired.

    Of any number of parallel callers exactly one gets it: they queue for the account's
    row, which stays locked, and the first takes every link of the purpose with it. If
    the transaction is rolled back, the link was not used.
    """
    digest = _digest(raw)
    user_id = (
        AccountToken.objects.filter(digest=digest, purpose=purpose)
        .values_list("user_id", flat=True)
        .first()
    )
    if user_id is None:
        raise LinkExpired
    # The account first, then its rows: the order in which everybody locks.
    user = User.objects.select_for_update(no_key=True).get(id=user_id)
    token = AccountToken.objects.filter(digest=digest, purpose=purpose).first()
    if token is None:
        raise LinkExpired
    token.user = user
    if not _is_good(token, now=now or timezone.now()):
        raise LinkExpired
    withdraw(user, purpose)
    return token


def withdraw(user: User, purpose: Purpose) -> int:
    """Make every link of the purpose useless; return how many there were."""
    return AccountToken.objects.filter(user=user, purpose=purpose).delete()[0]


def _is_good(token: AccountToken, *, now: datetime) -> bool:
    return (
        now < token.expires_at
        and token.user.is_active
        and not token.user.is_service
        and secrets.compare_digest(bytes(token.state_digest), _state(token.user))
    )


def _state(user: User) -> bytes:
    """Return a digest of what a link hangs on: password, address, open or closed."""
    parts = (user.password, bytes(user.email_index).hex(), str(user.is_active))
    return blind_index("accounts.link_state", "|".join(parts))


def _digest(raw: str) -> bytes:
    return blind_index("accounts.link", raw)

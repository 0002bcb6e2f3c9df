"""Second factors: enrolled, confirmed, and asked for through django_otp alone."""

from __future__ import annotations

import secrets

import django_otp
from django.db import transaction

from accounts import events
from accounts.constants import TOTP_SECRET_BYTES
from accounts.errors import CodeAlreadyUsed, InvalidCode
from accounts.models import TOTPFactor, User
from accounts.models.factors import is_code
from accounts.selectors import find_waiting_factor, list_factors
from auditlog.services import Target, record
from chatsec.core.errors import NotFound


def enrol_totp(user: User, *, name: str = "Authenticator app") -> TOTPFactor:
    """Return a new factor that waits for its first code; an older one waiting goes."""
    with transaction.atomic():
        # Two enrolments at once would each delete nothing and collide.
        User.objects.select_for_update().only("id").get(id=user.id)
        TOTPFactor.objects.filter(user=user, confirmed=False).delete()
        factor = TOTPFactor(user=user, name=name[:64], confirmed=False)
        factor.secret = secrets.token_bytes(TOTP_SECRET_BYTES)
        factor.save(force_insert=True)
    return factor


def confirm_totp(user: User, code: str) -> TOTPFactor:
    """Turn the waiting factor on if the code is its own; raise InvalidCode."""
    with transaction.atomic():
        waiting = find_waiting_factor(user)
        if waiting is None:
            raise NotFound("There is no authenticator app waiting for its first code.")
        if not django_otp.verify_token(user, waiting.persistent_id, code):
            raise InvalidCode
        TOTPFactor.objects.filter(id=waiting.id).update(confirmed=True)
        record(
            events.FACTOR_ENROLLED,
            target=Target(type="accounts.factor", id=str(waiting.handle)),
            subject_id=user.id,
            details={"kind": "totp"},
        )
    waiting.refresh_from_db()
    return waiting


def verify_code(user: User, code: str) -> bool:
    """Whether the code is one of the user's, which it is only once."""
    return find_matching_factor(user, code) is not None


def find_matching_factor(user: User, code: str) -> TOTPFactor | None:
    """Spend the code and return the factor that took it."""
    if not is_code(code):
        return None
    matched: TOTPFactor | None = django_otp.match_token(user, code)
    return matched


def require_code(user: User, code: str) -> TOTPFactor:
    """Spend the code; raise CodeAlreadyUsed or InvalidCode."""
    matched = find_matching_factor(user, code)
    if matched is not None:
        return matched
    for factor in list_factors(user):
        if factor.is_spent(code):
            raise CodeAlreadyUsed(retry_after_seconds=factor.seconds_to_fresh_code())
    raise InvalidCode


def remove_factor(factor: TOTPFactor) -> None:
    """Take the factor away; sessions that it verified are verified no more."""
    with transaction.atomic():
        record(
            events.FACTOR_REMOVED,
            target=Target(type="accounts.factor", id=str(factor.handle)),
            subject_id=factor.user_id,
            details={"kind": "totp"},
        )
        factor.delete()

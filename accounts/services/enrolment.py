"""Adding and removing one's own factors: each step asks for fresh proof first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts.models import AuthSession, TOTPFactor
from accounts.selectors import Factor, find_factor, has_second_factor
from accounts.services import factors, proof, sessions
from chatsec.core.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A factor that counts from now on; the first brings recovery codes with it."""

    factor: Factor
    recovery_codes: tuple[str, ...] = ()


def begin_totp(session: AuthSession, *, name: str = "") -> TOTPFactor:
    """Return an authenticator app that waits for its first code."""
    proof.require_recent(session)
    return factors.enrol_totp(session.user, name=name or "Authenticator app")


def finish_totp(session: AuthSession, code: str) -> Enrolled:
    """Turn the waiting app on if the code is its own; raise InvalidCode, NotFound."""
    proof.require_recent(session)
    with transaction.atomic():
        factors.hold_user(session.user)
        is_first = not has_second_factor(session.user)
        factor = factors.confirm_totp(session.user, code)
        return _enrolled(session, factor, is_first=is_first)


def _enrolled(session: AuthSession, factor: Factor, *, is_first: bool) -> Enrolled:
    """Count the new factor as shown: it was, a moment after the other proof."""
    sessions.record_step_up(session)
    codes = factors.make_recovery_codes(session.user) if is_first else []
    return Enrolled(factor, tuple(codes))


def renew_recovery_codes(session: AuthSession) -> list[str]:
    """Return ten new recovery codes; the old ones are worth nothing now."""
    proof.require_recent(session)
    if not has_second_factor(session.user):
        raise Conflict(
            "Set up an authenticator app or a passkey first.", code="factor_required"
        )
    return factors.make_recovery_codes(session.user)


def remove_factor(session: AuthSession, handle: UUID) -> None:
    """Take one of the person's own factors away; anybody else's does not exist."""
    proof.require_recent(session)
    with transaction.atomic():
        factors.hold_user(session.user)
        factor = find_factor(session.user, handle)
        if factor is None:
            raise NotFound("There is no such factor.")
        factors.remove_factor(factor)

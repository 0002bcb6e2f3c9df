"""Adding and removing one's own factors: each step asks for fresh proof first.

A step that changes them asks under the account's lock: where a first factor has come
meanwhile, the password proves nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.constants import CHALLENGE_LIFE
from accounts.errors import ChallengeExpired
from accounts.models import AuthSession, Challenge, TOTPFactor
from accounts.models.people import user_id_of
from accounts.required_factors import requires_factor
from accounts.selectors import Factor, find_factor, has_second_factor, list_passkeys
from accounts.services import challenges, factors, passkeys, proof, sessions
from accounts.services.passkeys import Answer
from chatsec.core.errors import Conflict, NotFound

ENROLMENT = "enrolment"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a browser's passkey answers, by its id."""

    question_id: UUID
    options: Answer


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A factor that counts from now on; the first brings recovery codes with it."""

    factor: Factor
    recovery_codes: tuple[str, ...] = ()


def begin_totp(session: AuthSession, *, name: str = "") -> TOTPFactor:
    """Return an authenticator app that waits for its first code."""
    proof.require_recent(session)
    return factors.enrol_totp(session.user, name=name)


def finish_totp(session: AuthSession, code: str) -> Enrolled:
    """Turn the waiting app on if the code is its own; raise InvalidCode, NotFound."""
    with transaction.atomic():
        factors.hold_user(session.user)
        proof.require_recent(session)
        is_first = not has_second_factor(session.user)
        factor = factors.confirm_totp(session.user, code)
        return _enrolled(session, factor, is_first=is_first)


def begin_passkey(session: AuthSession) -> Asked:
    """Return what a browser is asked to make a new passkey."""
    proof.require_recent(session)
    now = timezone.now()
    question = Challenge.objects.create(
        user=session.user,
        session=session,
        purpose=Challenge.Purpose.ENROL,
        operation=ENROLMENT,
        created_at=now,
        expires_at=now + CHALLENGE_LIFE,
    )
    return Asked(question.id, passkeys.ask_to_register(session.user, question.id))


def finish_passkey(
    session: AuthSession, question_id: UUID | str, answer: Answer, *, name: str = ""
) -> Enrolled:
    """Keep the passkey that answered this session's own question, once.

    Raises InvalidPasskey, ChallengeExpired, Conflict, or NotFound.
    """
    with transaction.atomic():
        factors.hold_user(session.user)
        proof.require_recent(session)
        question = _open_question(session, question_id)
        factors.refuse_too_many(list_passkeys(session.user).count())
        is_first = not has_second_factor(session.user)
        passkey = passkeys.register(session.user, question.id, answer, name=name)
        factors.record_enrolment(passkey)
        question.completed_at = timezone.now()
        question.save(update_fields=["completed_at"])
        return _enrolled(session, passkey, is_first=is_first)


def _open_question(session: AuthSession, question_id: UUID | str) -> Challenge:
    known = user_id_of(question_id)
    question = (
        Challenge.objects.select_for_update()
        .filter(id=known, session=session, purpose=Challenge.Purpose.ENROL)
        .first()
        if known is not None
        else None
    )
    if question is None:
        raise NotFound("There is no such verification.")
    if question.completed_at is not None or timezone.now() >= question.expires_at:
        raise ChallengeExpired
    return question


def _enrolled(session: AuthSession, factor: Factor, *, is_first: bool) -> Enrolled:
    """Count the new factor as shown: it was, a moment after the other proof."""
    sessions.record_step_up(session, method=challenges.method_of(factor))
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


def rename_factor(session: AuthSession, handle: UUID, name: str) -> Factor:
    """Call one of the person's own factors so; anybody else's does not exist."""
    with transaction.atomic():
        # Or it could be taken away between the look and the change.
        factors.hold_user(session.user)
        proof.require_recent(session)
        factor = _own_factor(session, handle)
        factors.rename_factor(factor, name)
    return factor


def remove_factor(session: AuthSession, handle: UUID) -> None:
    """Take one of the person's own factors away; anybody else's does not exist."""
    with transaction.atomic():
        factors.hold_user(session.user)
        proof.require_recent(session)
        factors.remove_factor(_own_factor(session, handle))
        if requires_factor(session.user) and not has_second_factor(session.user):
            raise Conflict(
                "A role of yours needs a second factor. Set up another one first.",
                code="last_factor",
            )


def _own_factor(session: AuthSession, handle: UUID) -> Factor:
    factor = find_factor(session.user, handle)
    if factor is None:
        raise NotFound("There is no such factor.")
    return factor

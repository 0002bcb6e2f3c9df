"""Questions for a code, bound to a user, a session and one operation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import events
from accounts.constants import CHALLENGE_LIFE, CHALLENGE_TRIES, FEDERATED, PASSWORD
from accounts.errors import (
    ChallengeExpired,
    CodeAlreadyUsed,
    FactorRequired,
    InvalidCode,
)
from accounts.models import Challenge, Origin, User
from accounts.models.people import user_id_of
from accounts.selectors import CodeFactor, has_second_factor
from accounts.services import factors, lockout
from accounts.services.sessions import record_step_up
from auditlog.services import Target, record_refusal
from chatsec.core import context
from chatsec.core.context import Actor
from chatsec.core.errors import DomainError, NotFound, Unauthenticated

Purpose = Literal["sign_in", "step_up"]
SIGN_IN_OPERATION = "sign_in"


@dataclass(frozen=True, slots=True)
class Answered:
    """A challenge that was met just now, and by which factor."""

    challenge: Challenge
    factor: CodeFactor


def start(
    actor: Actor, *, operation: str, purpose: Literal["step_up"] = "step_up"
) -> Challenge:
    """Ask the actor for a fresh code before `operation`; raise FactorRequired."""
    if actor.id is None or actor.session_id is None:
        raise Unauthenticated("Please log in to use the chatbot")
    user = User.objects.get(id=actor.id)
    return _create(
        user, purpose=purpose, operation=operation, session_id=actor.session_id
    )


def start_sign_in(user: User, *, origin: Origin | None = None) -> Challenge:
    """Ask for the second factor of a user who has shown the first.

    That was his password, or his identity at a provider (`origin`).
    """
    return _create(
        user,
        purpose="sign_in",
        operation=SIGN_IN_OPERATION,
        session_id=None,
        origin=origin,
    )


def _create(
    user: User,
    *,
    purpose: Purpose,
    operation: str,
    session_id: UUID | None,
    origin: Origin | None = None,
) -> Challenge:
    if not has_second_factor(user):
        raise FactorRequired
    now = timezone.now()
    challenge = Challenge(
        user=user,
        session_id=session_id,
        purpose=purpose,
        operation=operation,
        created_at=now,
        expires_at=now + CHALLENGE_LIFE,
        first_factor=[PASSWORD if origin is None else FEDERATED],
    )
    if origin is not None:
        challenge.identity = origin.identity
        challenge.sid_digest = origin.sid_digest
    challenge.save(force_insert=True)
    return challenge


def complete(
    challenge_id: UUID | str, *, actor: Actor, operation: str, code: str
) -> Answered:
    """Meet a step-up challenge of this very actor, session and operation.

    The session counts as stepped up from now; `Answered.challenge.session` is fresh.
    To be called outside of a transaction, or a rollback would give the tries back.
    Raises InvalidCode, CodeAlreadyUsed (costs no try), ChallengeExpired, AccountLocked,
    or NotFound for anybody else's challenge.
    """
    return _complete(
        _find(
            challenge_id,
            purpose="step_up",
            user_id=actor.id,
            session_id=actor.session_id,
            operation=operation,
        ),
        code,
    )


def complete_sign_in(challenge_id: UUID | str, *, code: str) -> Answered:
    """Meet the challenge of a sign-in; its id proves that the password was right."""
    return _complete(_find(challenge_id, purpose="sign_in", session_id=None), code)


def _find(challenge_id: UUID | str, **bound_to: object) -> Challenge:
    known = user_id_of(challenge_id)
    found = (
        Challenge.objects.select_related("user").filter(id=known, **bound_to).first()
        if known is not None
        else None
    )
    if found is None:
        raise NotFound("There is no such verification.")
    return found


def _complete(challenge: Challenge, code: str) -> Answered:
    with lockout.attempt(challenge.user, ip=context.current().ip) as attempt:
        try:
            with transaction.atomic():
                answered, failure = _try(challenge.id, code)
        except (CodeAlreadyUsed, ChallengeExpired):
            attempt.succeeded = True  # nothing was guessed: the place is given back
            raise
        attempt.succeeded = answered is not None
    if answered is None:
        _record_failure(challenge)
        raise failure or InvalidCode
    return answered


def _try(
    challenge_id: UUID, code: str, *, now: datetime | None = None
) -> tuple[Answered | None, DomainError | None]:
    """Spend one try under the row's lock: of parallel answers exactly one counts.

    A wrong code is returned, not raised, so that the try it cost is committed.
    """
    challenge = (
        Challenge.objects.select_related("user", "session", "identity")
        .select_for_update(of=("self",))
        .get(id=challenge_id)
    )
    now = now or timezone.now()
    if not _is_open(challenge, now=now):
        raise ChallengeExpired
    try:
        factor = factors.require_code(challenge.user, code)
    except InvalidCode as wrong:
        challenge.failed_tries += 1
        challenge.save(update_fields=["failed_tries"])
        return None, wrong
    challenge.completed_at = now
    challenge.save(update_fields=["completed_at"])
    if challenge.session is not None:
        record_step_up(challenge.session, now=now)
    return Answered(challenge, factor), None


def _is_open(challenge: Challenge, *, now: datetime) -> bool:
    return (
        challenge.completed_at is None
        and challenge.failed_tries < CHALLENGE_TRIES
        and now < challenge.expires_at
        and challenge.user.is_active
    )


def _record_failure(challenge: Challenge) -> None:
    sign_in = challenge.purpose == Challenge.Purpose.SIGN_IN
    record_refusal(
        events.SIGN_IN_FAILED if sign_in else events.STEP_UP_FAILED,
        outcome="failure",
        target=Target(type="accounts.user", id=str(challenge.user_id)),
        subject_id=challenge.user_id,
        details={"reason": "invalid_code", "operation": challenge.operation},
    )

"""Questions for a second factor, bound to a user, a session and one operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import events
from accounts.constants import (
    CHALLENGE_LIFE,
    CHALLENGE_TRIES,
    FEDERATED,
    ONE_TIME_CODE,
    PASSWORD,
    PROOF_OF_POSSESSION,
)
from accounts.errors import (
    ChallengeExpired,
    CodeAlreadyUsed,
    FactorRequired,
    InvalidCode,
    InvalidPasskey,
)
from accounts.models import Challenge, Origin, Passkey, User
from accounts.models.people import user_id_of
from accounts.selectors import ShownFactor, has_second_factor
from accounts.services import factors, lockout, passkeys
from accounts.services.passkeys import Answer
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
    factor: ShownFactor


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
    return _complete(get_step_up(challenge_id, actor=actor, operation=operation), code)


def complete_with_passkey(
    challenge_id: UUID | str, *, actor: Actor, operation: str, answer: Answer
) -> Answered:
    """Meet a step-up challenge by a passkey; else as `complete`, or InvalidPasskey."""
    found = get_step_up(challenge_id, actor=actor, operation=operation)
    return _complete_with_passkey(found, answer)


def complete_sign_in(challenge_id: UUID | str, *, code: str) -> Answered:
    """Meet the challenge of a sign-in; its id proves that the password was right."""
    return _complete(get_sign_in(challenge_id), code)


def complete_sign_in_with_passkey(
    challenge_id: UUID | str, *, answer: Answer
) -> Answered:
    """Meet the challenge of a sign-in by a passkey of the same user."""
    return _complete_with_passkey(get_sign_in(challenge_id), answer)


def ask_for_passkey(challenge: Challenge) -> Answer:
    """Return what `navigator.credentials.get()` takes to meet the challenge."""
    return passkeys.ask_to_sign(challenge.id, user=challenge.user)


def get_step_up(challenge_id: UUID | str, *, actor: Actor, operation: str) -> Challenge:
    """Return the actor's own challenge of this session and operation, or NotFound."""
    return _find(
        challenge_id,
        purpose="step_up",
        user_id=actor.id,
        session_id=actor.session_id,
        operation=operation,
    )


def get_sign_in(challenge_id: UUID | str) -> Challenge:
    """Return the challenge of a sign-in under way, or NotFound."""
    return _find(challenge_id, purpose="sign_in", session_id=None)


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
                answered, failure = _try(
                    challenge.id,
                    lambda held: factors.require_code(held.user, code),
                )
        except (CodeAlreadyUsed, ChallengeExpired):
            attempt.succeeded = True  # nothing was guessed: the place is given back
            raise
        attempt.succeeded = answered is not None
    return _met(challenge, answered, failure)


def _complete_with_passkey(challenge: Challenge, answer: Answer) -> Answered:
    """Spend no try of the account: nobody guesses a signature.

    So its owner gets in while somebody else has locked the account by guessing.
    """

    def prove(held: Challenge) -> Passkey:
        return passkeys.check_answer(held.id, answer, user=held.user)

    with transaction.atomic():
        answered, failure = _try(challenge.id, prove)
    return _met(challenge, answered, failure)


def _met(
    challenge: Challenge, answered: Answered | None, failure: DomainError | None
) -> Answered:
    if answered is None:
        failure = failure or InvalidCode()
        _record_failure(challenge, reason=failure.code)
        raise failure
    return answered


def _try(
    challenge_id: UUID,
    prove: Callable[[Challenge], ShownFactor],
    *,
    now: datetime | None = None,
) -> tuple[Answered | None, DomainError | None]:
    """Spend one try under the row's lock: of parallel answers exactly one counts.

    A wrong answer is returned, not raised, so that the try it cost is committed.
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
        factor = prove(challenge)
    except (InvalidCode, InvalidPasskey) as wrong:
        challenge.failed_tries += 1
        challenge.save(update_fields=["failed_tries"])
        return None, wrong
    challenge.completed_at = now
    challenge.save(update_fields=["completed_at"])
    if challenge.session is not None:
        record_step_up(challenge.session, method=method_of(factor), now=now)
    return Answered(challenge, factor), None


def method_of(factor: ShownFactor) -> str:
    """Return the name under which a factor goes into `amr` (RFC 8176)."""
    return PROOF_OF_POSSESSION if isinstance(factor, Passkey) else ONE_TIME_CODE


def _is_open(challenge: Challenge, *, now: datetime) -> bool:
    return (
        challenge.completed_at is None
        and challenge.failed_tries < CHALLENGE_TRIES
        and now < challenge.expires_at
        and challenge.user.is_active
    )


def _record_failure(challenge: Challenge, *, reason: str) -> None:
    sign_in = challenge.purpose == Challenge.Purpose.SIGN_IN
    record_refusal(
        events.SECOND_FACTOR_FAILED if sign_in else events.STEP_UP_FAILED,
        outcome="failure",
        target=Target(type="accounts.user", id=str(challenge.user_id)),
        subject_id=challenge.user_id,
        details={"reason": reason, "operation": challenge.operation},
    )

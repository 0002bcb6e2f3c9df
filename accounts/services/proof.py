"""Fresh proof of who acts, before anything about signing in is changed.

A session may be hours old, or its cookie in other hands. Factors, keys, links and
addresses change only within five minutes of a second factor shown again, or, for
somebody who has none, of the password typed again.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import events
from accounts.constants import STEP_UP_FRESH_FOR
from accounts.errors import ProofNeeded
from accounts.models import AuthSession, User
from accounts.places import HASHING
from accounts.selectors import actor_for_session, factor_methods, has_second_factor
from accounts.services import challenges, lockout
from accounts.services.passkeys import Answer
from accounts.services.sessions import target_of
from auditlog.services import Target, record, record_refusal
from chatsec.core import context
from chatsec.core.errors import Invalid

# What a challenge is for that opens nothing but the session itself.
OPERATION = "session"
PROVIDER_METHOD = "identity_provider"
PASSWORD_METHOD = "password"  # noqa: S105 - a method, not a password


def require_recent(session: AuthSession, *, now: datetime | None = None) -> None:
    """Let through who proved himself in this session just now; else ProofNeeded."""
    if not is_recent(session, now=now or timezone.now()):
        raise ProofNeeded(proof_methods(session.user))


def is_recent(session: AuthSession, *, now: datetime) -> bool:
    """Whether the proof that this person can give was given in the last minutes.

    Having signed in with a second factor is not enough: only a step-up is.
    """
    shown_at = (
        session.stepped_up_at
        if has_second_factor(session.user)
        else session.password_confirmed_at
    )
    return shown_at is not None and shown_at <= now < shown_at + STEP_UP_FRESH_FOR


def proof_methods(user: User) -> list[str]:
    """Return how the user can prove himself: his factors, or else how he signs in."""
    otherwise = PASSWORD_METHOD if user.has_usable_password() else PROVIDER_METHOD
    return factor_methods(user) or [otherwise]


def confirm_code(session: AuthSession, code: str) -> challenges.Answered:
    """Take a code of a second factor as proof in this session: a step-up.

    Raises InvalidCode, CodeAlreadyUsed, FactorRequired or AccountLocked.
    """
    actor = actor_for_session(session, context.current_actor().channel)
    challenge = challenges.start(actor, operation=OPERATION)
    return challenges.complete(
        challenge.id, actor=actor, operation=OPERATION, code=code
    )


def ask_for_passkey(session: AuthSession) -> tuple[UUID, Answer]:
    """Return a question that a passkey of the person's answers, and its id."""
    actor = actor_for_session(session, context.current_actor().channel)
    challenge = challenges.start(actor, operation=OPERATION)
    return challenge.id, challenges.ask_for_passkey(challenge)


def confirm_passkey(
    session: AuthSession, question_id: UUID | str, answer: Answer
) -> challenges.Answered:
    """Take a passkey's answer as proof in this session: a step-up.

    Raises InvalidPasskey, ChallengeExpired or NotFound.
    """
    actor = actor_for_session(session, context.current_actor().channel)
    return challenges.complete_with_passkey(
        question_id, actor=actor, operation=OPERATION, answer=answer
    )


def confirm_password(request: HttpRequest, session: AuthSession, password: str) -> None:
    """Take the password as proof in this session; it spends a try of the lockout.

    Raises ProofNeeded for somebody with a second factor, whose password proves too
    little; AccountLocked; Invalid (`wrong_password`).
    """
    user = session.user
    if has_second_factor(user):
        raise ProofNeeded(proof_methods(user))
    require_password(request, user, password)
    record_password_confirmation(session)


def require_password(request: HttpRequest, user: User, password: str) -> None:
    """Check the password of somebody signed in; it spends a try of the lockout.

    Raises Busy; AccountLocked; Invalid (`wrong_password`).
    """
    ip = context.current().ip
    lockout.refuse_closed(user, ip=ip)
    with HASHING.take(), lockout.attempt(user, ip=ip) as attempt:
        found = auth.authenticate(
            request,
            username=attempt.account.hex(),
            password=password,
            attempt=attempt,
        )
        attempt.succeeded = found is not None
    if found is None:
        _record_failure(user)
        raise Invalid(
            "This password is not right.",
            code="wrong_password",
            fields={"password": ["This password is not right."]},
        )


def confirm_by_provider(session: AuthSession) -> None:
    """Take having signed in again at the identity provider for the password.

    Raises ProofNeeded for somebody with a second factor, as the password does.
    """
    if has_second_factor(session.user):
        raise ProofNeeded(proof_methods(session.user))
    record_password_confirmation(session)


def record_password_confirmation(
    session: AuthSession, *, now: datetime | None = None
) -> None:
    """Note that the password was given in this session just now."""
    session.password_confirmed_at = now or timezone.now()
    with transaction.atomic():
        session.save(update_fields=["password_confirmed_at"])
        record(
            events.PASSWORD_CONFIRMED,
            target=target_of(session),
            subject_id=session.user_id,
        )


def _record_failure(user: User) -> None:
    record_refusal(
        events.STEP_UP_FAILED,
        outcome="failure",
        target=Target(type="accounts.user", id=str(user.id)),
        subject_id=user.id,
        details={"reason": "wrong_password", "operation": "confirm"},
    )

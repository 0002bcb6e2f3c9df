"""Whoever asks for a person's data proves first to be that person (Article 12(6))."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.places import HASHING
from accounts.services import lockout
from auditlog.services import Target, record_refusal
from chatsec.core import context
from chatsec.core.context import Actor, ActorKind
from chatsec.core.errors import Denied, Unauthenticated
from privacy import events
from privacy.constants import RECENT_SIGN_IN
from privacy.errors import ReauthenticationRequired


def subject_of(actor: Actor) -> UUID:
    """Return whose data the actor may ask for: his own, and only as a person."""
    if actor.id is None:
        raise Unauthenticated
    if actor.kind is not ActorKind.USER:
        raise Denied("Only a person can make a privacy request.")
    return actor.id


def prove_identity(actor: Actor, *, password: str | None, now: datetime) -> str:
    """Return how the actor proved who he is just now; raise otherwise.

    A password counts against the same budget as a sign-in (AccountLocked, Busy).
    """
    if actor.stepped_up_within(RECENT_SIGN_IN, now=now):
        return "step_up"
    signed_in_at = actor.authenticated_at
    if (
        signed_in_at is not None
        and signed_in_at <= now <= signed_in_at + RECENT_SIGN_IN
    ):
        return "sign_in"
    if not password:
        raise ReauthenticationRequired("Please confirm your password to go on.")
    if not _is_password_of(actor, password):
        record_refusal(
            events.IDENTITY_NOT_PROVEN,
            actor=actor,
            outcome="denied",
            target=Target("accounts.user", subject_of(actor)),
            subject_id=subject_of(actor),
        )
        raise ReauthenticationRequired("This password is not right.")
    return "password"


def _is_password_of(actor: Actor, password: str) -> bool:
    user = User.objects.get(id=subject_of(actor))
    ip = context.current().ip
    lockout.refuse_closed(user, name=user.username, ip=ip)
    with (
        HASHING.take(),
        lockout.attempt(user, name=user.username, ip=ip) as attempt,
    ):
        attempt.succeeded = user.is_active and user.check_password(password)
    return attempt.succeeded

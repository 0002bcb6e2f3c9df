"""Signing in with a passkey alone: who has it, and whom its device knows, is enough.

It spends no try of the lockout, so it is also how somebody gets in whose account others
have locked by guessing (ASVS 6.1.1).
"""

from __future__ import annotations

from uuid import UUID, uuid4

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import events
from accounts.constants import CHALLENGE_LIFE, PROOF_OF_POSSESSION, SECOND_FACTOR
from accounts.errors import ChallengeExpired, InvalidPasskey
from accounts.models import Challenge, Passkey, User
from accounts.models.people import user_id_of
from accounts.services import passkeys
from accounts.services.challenges import SIGN_IN_OPERATION
from accounts.services.passkeys import Answer
from accounts.services.sign_in import Proven
from auditlog.services import record_refusal
from chatsec.core.errors import Unauthenticated

SALT = "accounts.passkey_sign_in"


def ask() -> tuple[str, Answer]:
    """Return a question for anybody's passkey, and the ticket that remembers it.

    The ticket is signed and kept by the caller: strangers make no rows.
    """
    question_id = uuid4()
    ticket = signing.dumps(str(question_id), salt=SALT)
    return ticket, passkeys.ask_to_sign(question_id, user=None)


def check(ticket: str, answer: Answer) -> Proven:
    """Return whose passkey it is; raise Unauthenticated or ChallengeExpired.

    A ticket is good for one sign-in, also of several at once.
    """
    question_id = _question_of(ticket)
    try:
        passkey = _answered_by(question_id, answer)
    except InvalidPasskey as wrong:
        record_refusal(
            events.SIGN_IN_FAILED,
            outcome="failure",
            details={"reason": wrong.code},
        )
        raise Unauthenticated(wrong.message, code=wrong.code) from wrong
    return Proven(passkey.user, (PROOF_OF_POSSESSION, SECOND_FACTOR), passkey)


def _answered_by(question_id: UUID, answer: Answer) -> Passkey:
    with transaction.atomic():
        passkey = passkeys.check_answer(question_id, answer, user=None)
        if not passkey.user.is_active:
            raise InvalidPasskey
        _spend(question_id, passkey.user)
    return passkey


def _question_of(ticket: str) -> UUID:
    try:
        text = signing.loads(ticket, salt=SALT, max_age=CHALLENGE_LIFE)
    except signing.BadSignature as error:
        raise ChallengeExpired from error
    question_id = user_id_of(str(text))
    if question_id is None:
        raise ChallengeExpired
    return question_id


def _spend(question_id: UUID, user: User) -> None:
    """Note the question as answered; the key lets that happen once."""
    now = timezone.now()
    try:
        with transaction.atomic():
            Challenge(
                id=question_id,
                user=user,
                purpose=Challenge.Purpose.SIGN_IN,
                operation=SIGN_IN_OPERATION,
                expires_at=now + CHALLENGE_LIFE,
                completed_at=now,
            ).save(force_insert=True)
    except IntegrityError as error:
        raise ChallengeExpired from error

"""Signing in: password, then the second factor where there is one, then a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

import django_otp
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest
from django_otp.models import Device

from accounts import constants, events
from accounts.constants import (
    INVALID_CREDENTIALS_MESSAGE,
    MAX_LOGIN_LENGTH,
    PASSWORD,
    SECOND_FACTOR,
    STEP_UP_FRESH_FOR,
)
from accounts.errors import IdentityUnknown, InvalidCode, InvalidPasskey
from accounts.models import (
    AuthSession,
    Challenge,
    ExternalIdentity,
    IdentityProvider,
    Origin,
    Passkey,
    ProviderSession,
    User,
)
from accounts.pacing import answered_after, clock
from accounts.places import HASHING
from accounts.selectors import (
    ShownFactor,
    actor_for_session,
    factor_methods,
    find_user_by_login,
    has_second_factor,
    session_privileges,
)
from accounts.services import challenges, known_devices, lockout, sessions, tokens
from accounts.services.passkeys import Answer
from accounts.session_keys import AUTH_SESSION_KEY, PRIVILEGES_KEY
from auditlog.services import Target, record, record_refusal
from chatsec.core import context
from chatsec.core.errors import Unauthenticated

BACKEND = "accounts.backends.PasswordBackend"
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody who has shown everything that his account asks for."""

    user: User
    amr: tuple[str, ...]
    factor: ShownFactor | None = None
    # Where an identity provider vouched for him, and no password was asked for.
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """The password was right; nothing is open before the code is."""

    challenge: Challenge
    methods: tuple[str, ...]


def check_password(
    request: HttpRequest, *, name: str, password: str
) -> Proven | CodeNeeded:
    """Check the first factor; raise Busy, AccountLocked or Unauthenticated.

    An unknown name, a wrong password and a closed account take the same path: one
    reservation, one hash, one answer, at the same time.
    """
    begun, name = clock(), name[: MAX_LOGIN_LENGTH + 1]
    user = find_user_by_login(name)
    lockout.refuse_closed(user, name=name, ip=context.current().ip)
    # The place comes before the count: a try that nobody has time for is no try.
    with (
        HASHING.take(),
        answered_after(
            constants.FAILURE_ANSWER_SECONDS, since=begun, only_failures=True
        ),
    ):
        found = _compare(request, user, name, password)
    if has_second_factor(found):
        methods = tuple(factor_methods(found))
        return CodeNeeded(challenges.start_sign_in(found), methods)
    return Proven(found, (PASSWORD,))


def _compare(request: HttpRequest, user: User | None, name: str, password: str) -> User:
    with lockout.attempt(user, name=name, ip=context.current().ip) as attempt:
        found = auth.authenticate(
            request,
            username=attempt.account.hex(),
            password=password,
            attempt=attempt,
        )
        attempt.succeeded = found is not None
    if not isinstance(found, User):
        _record_refusal(user)
        raise Unauthenticated(INVALID_CREDENTIALS_MESSAGE, code="invalid_credentials")
    return found


def check_code(challenge_id: UUID | str, code: str) -> Proven:
    """Check the second factor of a sign-in; a wrong code is Unauthenticated."""
    try:
        answered = challenges.complete_sign_in(challenge_id, code=code)
    except InvalidCode as wrong:
        raise Unauthenticated(wrong.message, code=wrong.code) from wrong
    return _proven_by(answered)


def ask_second_factor(challenge_id: UUID | str) -> Mapping[str, object]:
    """Return how the sign-in goes on: `methods`, and what a passkey is asked."""
    challenge = challenges.get_sign_in(challenge_id)
    methods = factor_methods(challenge.user)
    if Passkey.kind not in methods:
        return {"methods": methods}
    return {
        "methods": methods,
        "passkey_options": challenges.ask_for_passkey(challenge),
    }


def check_second_passkey(challenge_id: UUID | str, answer: Answer) -> Proven:
    """Check a passkey as the second factor of a sign-in."""
    try:
        answered = challenges.complete_sign_in_with_passkey(challenge_id, answer=answer)
    except InvalidPasskey as wrong:
        raise Unauthenticated(wrong.message, code=wrong.code) from wrong
    return _proven_by(answered)


def _proven_by(answered: challenges.Answered) -> Proven:
    challenge, factor = answered.challenge, answered.factor
    amr = (*challenge.first_factor, challenges.method_of(factor), SECOND_FACTOR)
    return Proven(challenge.user, amr, factor, challenge.origin)


def open_token_session(proven: Proven) -> tokens.TokenPair:
    """Sign an app in; return its tokens."""
    with transaction.atomic():
        session = _start(proven, kind="token")
        known_devices.remember_app(session)
        _record_sign_in(session, proven)
        return tokens.issue(session)


def open_browser_session(request: HttpRequest, proven: Proven) -> AuthSession:
    """Sign a browser in under a new cookie; what it was signed in as before ends."""
    with transaction.atomic():
        end_browser_session(request)
        session = _start(proven, kind="browser")
        auth.login(request, proven.user, backend=BACKEND)
        request.session[AUTH_SESSION_KEY] = str(session.id)
        request.session[PRIVILEGES_KEY] = session_privileges(session)
        known_devices.remember_browser(request, session)
        _record_sign_in(session, proven)
        if proven.factor is not None:
            django_otp.login(request, proven.factor)
        request.session.save()
    return session


def end_browser_session(request: HttpRequest) -> None:
    """Sign the browser out: its row, its session and its cookie's meaning are gone."""
    session_id = request.session.get(AUTH_SESSION_KEY)
    session: AuthSession | None = getattr(request.session, "left_session", None)
    if session_id is not None:
        session = AuthSession.objects.filter(id=session_id).first()
    if session is not None:
        sessions.revoke_session(session, because="signed_out")
    if session_id is not None:
        request.session.flush()


def step_up_browser_session(request: HttpRequest, factor: Device | None) -> None:
    """Mark the browser as verified by `factor`, if any, under a new cookie."""
    if factor is not None:
        django_otp.login(request, factor)
    rotate_browser_session(request)


def rotate_browser_session(request: HttpRequest) -> None:
    """Give the browser a new cookie after a step-up; the old one means nothing."""
    if request.session.session_key is not None:
        request.session.cycle_key()


def _start(proven: Proven, *, kind: Literal["browser", "token"]) -> AuthSession:
    _hold_account(proven)
    if proven.origin is not None:
        _hold_provider(proven.origin)
    here = context.current()
    session = sessions.start_session(
        proven.user,
        kind=kind,
        amr=proven.amr,
        ip=here.ip,
        user_agent=here.user_agent,
    )
    if proven.origin is not None:
        _remember_origin(session, proven.origin, shown=proven.factor)
    return session


def _record_sign_in(session: AuthSession, proven: Proven) -> None:
    """Write the event once the browser has its mark, by which it is known later."""
    record(
        events.SIGNED_IN,
        actor=actor_for_session(session, context.current_actor().channel),
        target=sessions.target_of(session),
        subject_id=proven.user.id,
        details={"kind": session.kind, "amr": list(proven.amr)},
    )


def _hold_account(proven: Proven) -> None:
    """Lock the account's row; refuse if what was shown is not enough any more.

    Without it a sign-in that began with the old password, or with a factor that was
    taken away, could outlive the change.
    """
    user = proven.user
    unchanged = User.objects.select_for_update(no_key=True).filter(
        id=user.id, is_active=True, password=user.password
    )
    if not unchanged.exists() or not _is_still_enough(proven):
        raise Unauthenticated(INVALID_CREDENTIALS_MESSAGE, code="invalid_credentials")


def _is_still_enough(proven: Proven) -> bool:
    """Whether the factor is there still, or none was asked for and none is now."""
    factor = proven.factor
    if factor is not None:
        return bool(type(factor).objects.filter(pk=factor.pk).exists())
    return SECOND_FACTOR in proven.amr or not has_second_factor(proven.user)


def _hold_provider(origin: Origin) -> None:
    """Lock the provider's row; refuse if it was switched off since.

    Before any session is locked: whoever switches it off locks in this order too.
    """
    rows = IdentityProvider.objects.select_for_update(no_key=True)
    provider_id = origin.identity.provider_id
    if provider_id is None or not rows.filter(id=provider_id, is_active=True).exists():
        raise IdentityUnknown


def _remember_origin(
    session: AuthSession, origin: Origin, *, shown: ShownFactor | None
) -> None:
    """Note what opened the session; refuse if it was unlinked since.

    Unlinking holds the account's row too, so one of the two comes first.
    """
    seen_at = origin.authenticated_at
    if seen_at is None and shown is None:
        # Nobody says when the person was there: nothing that asks for a fresh sign-in
        # (a connected app, `max_age`) may take this for one.
        seen_at = session.authenticated_at - STEP_UP_FRESH_FOR - SECOND
    linked = ExternalIdentity.objects.filter(
        id=origin.identity.id, user_id=session.user_id
    )
    if not linked.update(last_used_at=session.authenticated_at):
        raise IdentityUnknown
    if seen_at is not None and seen_at < session.authenticated_at:
        session.authenticated_at = seen_at
        session.save(update_fields=["authenticated_at"])
    ProviderSession.objects.create(
        session=session, identity=origin.identity, sid_digest=origin.sid_digest
    )


def _record_refusal(user: User | None) -> None:
    # What was typed is never kept: an unknown name may be a password, or a person.
    record_refusal(
        events.SIGN_IN_FAILED,
        outcome="failure",
        target=Target(type="accounts.user", id=str(user.id)) if user else None,
        subject_id=user.id if user else None,
        details={"reason": "invalid_credentials"},
    )

"""Connecting an app: a code that works once, then a session that rotates its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import access_tokens, events
from accounts.app_scopes import in_order
from accounts.constants import AUTHORIZATION_CODE_LIFE
from accounts.errors import InvalidToken
from accounts.models import (
    AuthorizationCode,
    AuthSession,
    OAuthApplication,
    RefreshToken,
    User,
)
from accounts.notices import APP_CONNECTED
from accounts.selectors import actor_for_session, signs_in
from accounts.services import notices, sessions, tokens
from auditlog.services import Target, record
from chatsec.core import context
from chatsec.core.crypto import blind_index

CODE = "accounts.oauth.code"
REFRESH = "accounts.refresh"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the app asked for and the person agreed to."""

    redirect_uri: str
    scopes: Sequence[str]
    code_challenge: str
    nonce: str = ""


def save_code(
    raw: str, *, application: OAuthApplication, session: AuthSession, asked: Asked
) -> AuthorizationCode:
    """Keep the digest of a code that the browser of this session takes to the app."""
    now = timezone.now()
    with transaction.atomic():
        code = AuthorizationCode.objects.create(
            digest=blind_index(CODE, raw),
            application=application,
            session=session,
            redirect_uri=asked.redirect_uri,
            scopes=list(in_order(asked.scopes)),
            code_challenge=asked.code_challenge,
            nonce=asked.nonce,
            created_at=now,
            expires_at=now + AUTHORIZATION_CODE_LIFE,
        )
        record(
            events.APP_CONSENT_GIVEN,
            target=target_of(application),
            subject_id=session.user_id,
            details={"scopes": list(code.scopes)},
        )
    return code


def take_code(
    raw: str, *, application: OAuthApplication, now: datetime | None = None
) -> AuthorizationCode | None:
    """Return the code, locked until the exchange is over, if it still is worth one.

    Whoever comes second ends what the first one got: one of the two is a thief.
    """
    now = now or timezone.now()
    digest = blind_index(CODE, raw)
    if not _hold_owner(digest, application):
        return None
    # Under the locks: whoever held them before may have spent it, or signed out.
    code = (
        AuthorizationCode.objects.select_for_update(of=("self", "session"))
        .select_related("session__user", "application")
        .get(digest=digest)
    )
    if code.used_at is not None:
        _end_replayed(code)
        return None
    if now >= code.expires_at or not signs_in(code.session, now=now):
        return None
    return code if _is_still_offered(code) else None


def _is_still_offered(code: AuthorizationCode) -> bool:
    """Lock the app, as whoever switches it off does; whether it may have this still."""
    application = OAuthApplication.objects.select_for_update(no_key=True).get(
        id=code.application_id
    )
    offered = set(application.offered_scopes)
    return application.is_enabled and set(code.scopes) <= offered


def _hold_owner(digest: bytes, application: OAuthApplication) -> bool:
    """Lock the account first, as whoever closes it or changes its password does."""
    owner_id = (
        AuthorizationCode.objects.filter(digest=digest, application=application)
        .values_list("session__user_id", flat=True)
        .first()
    )
    if owner_id is None:
        return False
    return User.objects.select_for_update(no_key=True).filter(id=owner_id).exists()


def redeem(code: AuthorizationCode, *, now: datetime | None = None) -> tokens.TokenPair:
    """Open the app's session and return its first tokens; the code is spent.

    The session is as fresh as the sign-in in which the person said yes.
    """
    now = now or timezone.now()
    session = _open_session(code)
    code.used_at, code.opened = now, session
    code.save(update_fields=["used_at", "opened"])
    return tokens.issue(session, now=now)


def refresh(
    raw: str,
    *,
    application: OAuthApplication,
    idempotency_key: str | None = None,
) -> tokens.TokenPair:
    """Spend the app's refresh token for a new pair; exactly one of many callers wins.

    In the hands of another app it has leaked, whoever that is: the session ends.
    """
    session = find_session_of_refresh(raw)
    if session is None or session.application_id is None:
        raise InvalidToken
    if session.application_id != application.id:
        _end_leaked(session)
        raise InvalidToken
    return tokens.refresh(raw, idempotency_key=idempotency_key, application=application)


def disconnect(raw: str, *, application: OAuthApplication) -> None:
    """End the app's own session by either of its tokens; others' are left alone."""
    session = find_session_of_refresh(raw) or _session_of_access(raw)
    if session is not None and session.application_id == application.id:
        sessions.revoke_session(session, because="revoked_by_app")


def find_session_of_refresh(raw: str) -> AuthSession | None:
    """Return the session that the refresh token belongs to, spent or not."""
    token = (
        RefreshToken.objects.select_related("session__application")
        .filter(digest=blind_index(REFRESH, raw))
        .first()
    )
    return token.session if token else None


def target_of(application: OAuthApplication) -> Target:
    """Return the app as the target of an event."""
    return Target(
        type="accounts.oauth_application",
        id=str(application.id),
        label=application.name,
    )


def _open_session(code: AuthorizationCode) -> AuthSession:
    browser, application = code.session, code.application
    here = context.current()
    session = sessions.start_session(
        browser.user,
        kind="oauth",
        amr=browser.amr,
        ip=here.ip,
        user_agent=here.user_agent,
        scopes=code.scopes,
        client_name=application.name,
        application=application,
        authenticated_at=browser.authenticated_at,
    )
    record(
        events.APP_CONNECTED,
        actor=actor_for_session(session, here.actor.channel),
        target=target_of(application),
        subject_id=browser.user_id,
        details={"scopes": list(code.scopes), "session": str(session.id)},
    )
    facts = {"app": application.name, "scopes": ", ".join(code.scopes)}
    notices.notify(browser.user, APP_CONNECTED, facts=facts)
    return session


def _session_of_access(raw: str) -> AuthSession | None:
    try:
        claims = access_tokens.verify(raw)
    except InvalidToken:
        return None
    return AuthSession.objects.filter(
        id=claims.session_id, user_id=claims.user_id
    ).first()


def _end_replayed(code: AuthorizationCode) -> None:
    record(
        events.CODE_REPLAYED,
        outcome="denied",
        target=target_of(code.application),
        subject_id=code.session.user_id,
    )
    if code.opened is not None:
        sessions.revoke_session(code.opened, because="code_replayed")


def _end_leaked(session: AuthSession) -> None:
    with transaction.atomic():
        record(
            events.TOKEN_REUSE,
            outcome="denied",
            target=sessions.target_of(session),
            subject_id=session.user_id,
            details={"because": "shown by another app"},
        )
        sessions.revoke_session(session, because="token_reuse")

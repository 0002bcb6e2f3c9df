"""Refresh tokens: opaque, kept as digests, used once (RFC 9700 section 4.14)."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.utils import timezone

from accounts import access_tokens, events
from accounts.constants import REFRESH_RETRY_WINDOW
from accounts.errors import InvalidToken
from accounts.models import AuthSession, OAuthApplication, RefreshToken
from accounts.notices import TOKEN_REUSED
from accounts.selectors import signs_in
from accounts.services.notices import notify
from accounts.services.sessions import revoke_session, target_of
from auditlog.services import record
from chatsec.core.crypto import blind_index, open_for, seal_for

PREFIX = "csr_"
RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets at sign-in and at each refresh."""

    token_type: Literal["Bearer"]
    access: str
    expires_in: int
    refresh: str
    refresh_expires_in: int
    session_id: str


def issue(session: AuthSession, *, now: datetime | None = None) -> TokenPair:
    """Return the first pair of tokens of a session."""
    now = now or timezone.now()
    raw = _new_refresh(session, now=now)
    return _pair(session, raw, now=now)


def refresh(
    raw: str,
    *,
    idempotency_key: str | None = None,
    application: OAuthApplication | None = None,
    now: datetime | None = None,
) -> TokenPair:
    """Spend a refresh token for a new pair; a second use ends the whole family.

    Of any number of parallel callers exactly one wins: they queue for the family's
    row. The same Idempotency-Key within ten seconds gets the same answer again. A
    connected app's token is good for that app alone, and here for nobody else.
    """
    now = now or timezone.now()
    digest = blind_index("accounts.refresh", raw)
    # A reuse must be recorded and committed: the refusal is raised afterwards.
    with transaction.atomic():
        session = _lock_family(digest, application)
        retry = _retry_digest(digest, idempotency_key)
        answer = _rotate(digest, session, retry=retry, now=now) if session else None
    if answer is None:
        raise InvalidToken
    return answer


def revoke(raw: str) -> None:
    """End the session of the token; an unknown token is not an error (RFC 7009)."""
    digest = blind_index("accounts.refresh", raw)
    token = RefreshToken.objects.select_related("session").filter(digest=digest).first()
    if token is not None:
        revoke_session(token.session, because="signed_out")


def _lock_family(
    digest: bytes, application: OAuthApplication | None
) -> AuthSession | None:
    family_id = (
        RefreshToken.objects.filter(digest=digest, session__application=application)
        .values_list("session_id", flat=True)
        .first()
    )
    if family_id is None:
        return None
    return (
        AuthSession.objects.select_related("user")
        .select_for_update(of=("self",))
        .get(id=family_id)
    )


def _rotate(
    digest: bytes, session: AuthSession, *, retry: bytes | None, now: datetime
) -> TokenPair | None:
    # Read under the lock: whoever held it before may have spent or deleted it.
    token = RefreshToken.objects.filter(digest=digest).first()
    if token is None or not signs_in(session, now=now):
        return None
    if token.used_at is None:
        return _spend(token, session, retry=retry, now=now)
    if _is_retry(token, retry, now=now):
        return _repeat(token, session)
    _end_family(session)
    return None


def _spend(
    token: RefreshToken, session: AuthSession, *, retry: bytes | None, now: datetime
) -> TokenPair:
    token.used_at = now
    token.retry_digest = retry
    session.last_seen_at = now
    session.save(update_fields=["last_seen_at"])
    token.save(update_fields=["used_at", "retry_digest"])
    answer = _pair(session, _new_refresh(session, now=now), now=now)
    _forget_answers(session, now=now)
    if retry is not None:
        token.answer_sealed = seal_for(
            session.user_id, json.dumps(asdict(answer)), place=token.answer_place()
        )
        token.save(update_fields=["answer_sealed"])
    return answer


def _is_retry(token: RefreshToken, retry: bytes | None, *, now: datetime) -> bool:
    return (
        retry is not None
        and token.retry_digest is not None
        and token.used_at is not None
        and bytes(token.retry_digest) == retry
        and now - token.used_at <= REFRESH_RETRY_WINDOW
    )


def _repeat(token: RefreshToken, session: AuthSession) -> TokenPair | None:
    if token.answer_sealed is None:
        return None
    sealed = bytes(token.answer_sealed)
    text = open_for(session.user_id, sealed, place=token.answer_place())
    return TokenPair(**json.loads(text))


def _forget_answers(session: AuthSession, *, now: datetime) -> None:
    # Past the retry window a kept answer is only a token that could leak.
    RefreshToken.objects.filter(
        session=session,
        answer_sealed__isnull=False,
        used_at__lt=now - REFRESH_RETRY_WINDOW,
    ).update(answer_sealed=None)


def _end_family(session: AuthSession) -> None:
    revoke_session(session, because="token_reuse")
    record(
        events.TOKEN_REUSE,
        outcome="denied",
        target=target_of(session),
        subject_id=session.user_id,
    )
    notify(session.user, TOKEN_REUSED, facts={"device": session.device_name})


def _new_refresh(session: AuthSession, *, now: datetime) -> str:
    raw = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    RefreshToken.objects.create(
        session=session, digest=blind_index("accounts.refresh", raw), created_at=now
    )
    return raw


def _pair(session: AuthSession, raw: str, *, now: datetime) -> TokenPair:
    access = access_tokens.sign(session, now=now)
    return TokenPair(
        token_type="Bearer",  # noqa: S106 - the scheme's name
        access=access.text,
        expires_in=access.expires_in,
        refresh=raw,
        refresh_expires_in=session.seconds_left(now),
        session_id=str(session.id),
    )


def _retry_digest(digest: bytes, idempotency_key: str | None) -> bytes | None:
    if not idempotency_key:
        return None
    return blind_index("accounts.refresh.retry", f"{digest.hex()}:{idempotency_key}")

"""Signed-in devices begin, are seen, step up and end here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import events
from accounts.constants import (
    LAST_SEEN_RESOLUTION,
    ONE_TIME_CODE,
    SECOND_FACTOR,
    SESSION_ABSOLUTE,
)
from accounts.models import AuthSession, BrowserSession, RefreshToken, User
from auditlog.services import Target, record
from chatsec.core.crypto import blind_index
from chatsec.core.errors import NotFound

Kind = Literal["browser", "token"]


def start_session(
    user: User,
    *,
    kind: Kind,
    amr: Sequence[str],
    ip: str | None = None,
    user_agent: str = "",
) -> AuthSession:
    """Return a new signed-in device of the user, good for at most twelve hours."""
    now = timezone.now()
    session = AuthSession(
        user=user,
        kind=kind,
        amr=list(amr),
        authenticated_at=now,
        created_at=now,
        last_seen_at=now,
        expires_at=now + SESSION_ABSOLUTE,
        address_digest=address_digest(ip),
    )
    if user_agent:
        session.user_agent = user_agent[:256]
    session.save(force_insert=True)
    return session


def address_digest(ip: str | None) -> bytes | None:
    """Return the keyed digest by which an address is known; never the address."""
    return blind_index("accounts.address", ip) if ip else None


def touch_session(session: AuthSession, *, now: datetime) -> None:
    """Note that the device was used, at most once a minute."""
    if now - session.last_seen_at < LAST_SEEN_RESOLUTION:
        return
    # The condition keeps a revoked row as it is, and lets one of many writers do it.
    AuthSession.objects.filter(
        id=session.id,
        revoked_at__isnull=True,
        last_seen_at__lt=now - LAST_SEEN_RESOLUTION,
    ).update(last_seen_at=now)
    session.last_seen_at = now


def record_step_up(session: AuthSession, *, now: datetime | None = None) -> None:
    """Note that a second factor was shown again just now."""
    now = now or timezone.now()
    session.stepped_up_at = now
    session.amr = [*session.amr]
    for method in (ONE_TIME_CODE, SECOND_FACTOR):
        if method not in session.amr:
            session.amr.append(method)
    with transaction.atomic():
        session.save(update_fields=["stepped_up_at", "amr"])
        record(
            events.STEPPED_UP,
            target=target_of(session),
            subject_id=session.user_id,
        )


def revoke_session(session: AuthSession, *, because: str = "revoked") -> None:
    """End the session with its tokens and cookies; doing it twice changes nothing."""
    with transaction.atomic():
        if _end(AuthSession.objects.filter(id=session.id), because=because):
            signed_out = because == "signed_out"
            record(
                events.SIGNED_OUT if signed_out else events.SESSION_REVOKED,
                target=target_of(session),
                subject_id=session.user_id,
                details={"because": because},
            )
    session.revoked_at = session.revoked_at or timezone.now()


def revoke_all_sessions(user: User, *, because: str) -> int:
    """End every session of the user; return how many were live."""
    with transaction.atomic():
        ended = _end(AuthSession.objects.filter(user=user), because=because)
        if ended:
            record(
                events.SESSION_REVOKED,
                target=Target(type="accounts.user", id=str(user.id)),
                subject_id=user.id,
                details={"because": because, "sessions": ended},
            )
    return ended


def sign_out_everywhere(user: User) -> int:
    """End every session of the user, for whoever administers accounts."""
    return revoke_all_sessions(user, because="revoked_by_admin")


def revoke_own_session(user: User, session_id: UUID) -> None:
    """End a session of this user's; anybody else's does not exist for him."""
    session = AuthSession.objects.filter(
        user=user, id=session_id, revoked_at__isnull=True
    ).first()
    if session is None:
        raise NotFound("There is no such session.")
    revoke_session(session, because="revoked_by_owner")


def _end(sessions: QuerySet[AuthSession], *, because: str) -> int:
    # In one order for everybody, or two who end several at once could deadlock.
    live = sessions.filter(revoked_at__isnull=True).order_by("id").select_for_update()
    ids = list(live.values_list("id", flat=True))
    BrowserSession.objects.filter(auth_session_id__in=ids).delete()
    RefreshToken.objects.filter(session_id__in=ids, used_at__isnull=True).delete()
    return AuthSession.objects.filter(id__in=ids).update(
        revoked_at=timezone.now(), revoked_because=because
    )


def target_of(session: AuthSession) -> Target:
    """Return the session as the target of an event."""
    return Target(type="accounts.session", id=str(session.id))

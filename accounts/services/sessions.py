"""Signed-in devices begin, are seen, step up and end here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import events
from accounts.constants import (
    CROWD_NOTICE_PAUSE,
    GRANT_ABSOLUTE,
    GRANT_IDLE,
    LAST_SEEN_RESOLUTION,
    MAX_DEVICE_NAME,
    MAX_LIVE_SESSIONS,
    ONE_TIME_CODE,
    SECOND_FACTOR,
    SESSION_ABSOLUTE,
    SESSION_IDLE,
)
from accounts.models import (
    AuthSession,
    BrowserSession,
    KnownDevice,
    OAuthApplication,
    RefreshToken,
    User,
)
from accounts.names import one_line
from accounts.notices import SESSIONS_ENDED
from accounts.selectors import list_live_sessions
from accounts.services import known_devices, notices
from auditlog.services import Target, record
from chatsec.core.crypto import blind_index
from chatsec.core.errors import Denied, Invalid, NotFound

# Endings that say nothing against the device; any other makes it a stranger again.
LEAVES_DEVICE_KNOWN = {"signed_out", "too_many"}
Kind = Literal["browser", "token", "oauth"]


class Circumstances(TypedDict, total=False):
    """Where a session comes from, and what it is limited to."""

    ip: str | None
    user_agent: str
    # Both for connected apps; without scopes there is no grant.
    client_name: str
    scopes: Sequence[str] | None
    application: OAuthApplication
    # When the user proved himself, if that was before now.
    authenticated_at: datetime


def start_session(
    user: User, *, kind: Kind, amr: Sequence[str], **origin: Unpack[Circumstances]
) -> AuthSession:
    """Return a new signed-in device of the user; beyond ten, another one ends.

    Good for twelve hours, thirty minutes idle; a connected app's (`oauth`) for 180
    days, thirty of them idle, and for its scopes only.
    """
    if user.is_service:
        raise Denied("A program comes by API key; it does not sign in.")
    now = timezone.now()
    is_grant = kind == "oauth"
    scopes = origin.get("scopes")
    if is_grant and scopes is None:
        raise ValueError("a connected app has scopes")
    session = AuthSession(
        user=user,
        kind=kind,
        amr=list(amr),
        authenticated_at=origin.get("authenticated_at", now),
        created_at=now,
        last_seen_at=now,
        idle_limit=GRANT_IDLE if is_grant else SESSION_IDLE,
        expires_at=now + (GRANT_ABSOLUTE if is_grant else SESSION_ABSOLUTE),
        application=origin.get("application"),
        client=one_line(origin.get("client_name", ""), limit=MAX_DEVICE_NAME),
        scopes=None if scopes is None else sorted(set(scopes)),
        address_digest=address_digest(origin.get("ip")),
    )
    if user_agent := origin.get("user_agent"):
        session.user_agent = user_agent[:256]
    with transaction.atomic():
        _make_room(session, now=now)
        session.save(force_insert=True)
    return session


def _make_room(new: AuthSession, *, now: datetime) -> None:
    """End what was used longest ago, so that with the new session there are ten.

    Connected apps are counted apart: signing in somewhere does not disconnect one.
    """
    # Two sign-ins at once would each count without the other.
    User.objects.select_for_update(no_key=True).only("id").get(id=new.user_id)
    live = list_live_sessions(new.user, now=now)
    grants = Q(kind=AuthSession.Kind.GRANT)
    alike = live.filter(grants) if new.kind == "oauth" else live.exclude(grants)
    ranked = list(alike.order_by("-last_seen_at", "-created_at", "-id"))
    surplus = ranked[MAX_LIVE_SESSIONS - 1 :]
    if not surplus:
        return
    ids = [each.id for each in surplus]
    _end(AuthSession.objects.filter(id__in=ids), because="too_many")
    for session in surplus:
        record(
            events.SESSION_REVOKED,
            target=target_of(session),
            subject_id=session.user_id,
            details={"because": "too_many"},
        )
    notices.notify_at_most(
        new.user,
        SESSIONS_ENDED,
        every=CROWD_NOTICE_PAUSE,
        facts={
            "reason": f"You are signed in on more than {MAX_LIVE_SESSIONS} devices.",
            "devices": ", ".join(each.device_name for each in surplus),
        },
    )


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


def record_step_up(
    session: AuthSession,
    *,
    method: str = ONE_TIME_CODE,
    now: datetime | None = None,
) -> None:
    """Note that a second factor was shown again just now, by `method` (RFC 8176)."""
    now = now or timezone.now()
    session.stepped_up_at = now
    session.amr = [*session.amr]
    for name in (method, SECOND_FACTOR):
        if name not in session.amr:
            session.amr.append(name)
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


def revoke_all_sessions(
    user: User, *, because: str, besides: UUID | None = None
) -> int:
    """End every session of the user but `besides`; return how many were live.

    None of his devices is known any more: whoever had one signs in like a stranger.
    """
    with transaction.atomic():
        chosen = AuthSession.objects.filter(user=user)
        if besides is not None:
            chosen = chosen.exclude(id=besides)
        ended = _end(chosen, because=because)
        known_devices.forget_devices(user)
        if ended:
            record(
                events.SESSION_REVOKED,
                target=Target(type="accounts.user", id=str(user.id)),
                subject_id=user.id,
                details={"because": because, "sessions": ended},
            )
    return ended


def revoke_other_sessions(user: User, *, keep: UUID | None) -> int:
    """End every session of the user but one; return how many were live."""
    live = list_live_sessions(user, now=timezone.now())
    if keep is not None:
        live = live.exclude(id=keep)
    with transaction.atomic():
        ended = _end(live, because="revoked_by_owner")
        if ended:
            record(
                events.SESSION_REVOKED,
                target=Target(type="accounts.user", id=str(user.id)),
                subject_id=user.id,
                details={"because": "revoked_by_owner", "sessions": ended},
            )
    return ended


def sign_out_everywhere(user: User) -> int:
    """End every session of the user, for whoever administers accounts."""
    return revoke_all_sessions(user, because="revoked_by_admin")


def rename_session(user: User, session_id: UUID, name: str) -> AuthSession:
    """Call one of the user's own devices so; an empty name takes the name away."""
    session = get_own_session(user, session_id)
    name = one_line(name, limit=MAX_DEVICE_NAME + 1)
    if len(name) > MAX_DEVICE_NAME:
        message = f"At most {MAX_DEVICE_NAME} characters."
        raise Invalid("This name is too long.", fields={"name": [message]})
    session.name = name
    with transaction.atomic():
        session.save(update_fields=["name_sealed"])
        record(
            events.SESSION_RENAMED,
            target=target_of(session),
            subject_id=session.user_id,
        )
    return session


def get_own_session(user: User, session_id: UUID) -> AuthSession:
    """Return a live session of this user's; anybody else's does not exist for him."""
    found = list_live_sessions(user, now=timezone.now()).filter(id=session_id).first()
    if found is None:
        raise NotFound("There is no such session.")
    return found


def revoke_own_session(user: User, session_id: UUID) -> None:
    """End a session of this user's; anybody else's does not exist for him."""
    session = AuthSession.objects.filter(
        user=user, id=session_id, revoked_at__isnull=True
    ).first()
    if session is None:
        raise NotFound("There is no such session.")
    revoke_session(session, because="revoked_by_owner")


def revoke_session_of(user: User, session_id: UUID) -> None:
    """End one session of this user's, for whoever administers accounts."""
    revoke_session(get_own_session(user, session_id), because="revoked_by_admin")


def _end(sessions: QuerySet[AuthSession], *, because: str) -> int:
    # In one order for everybody, or two who end several at once could deadlock.
    live = sessions.filter(revoked_at__isnull=True).order_by("id").select_for_update()
    ids = list(live.values_list("id", flat=True))
    if because not in LEAVES_DEVICE_KNOWN:
        known_devices.forget(KnownDevice.objects.filter(authsession__in=ids))
    BrowserSession.objects.filter(auth_session_id__in=ids).delete()
    RefreshToken.objects.filter(session_id__in=ids, used_at__isnull=True).delete()
    return AuthSession.objects.filter(id__in=ids).update(
        revoked_at=timezone.now(), revoked_because=because
    )


def target_of(session: AuthSession) -> Target:
    """Return the session as the target of an event."""
    return Target(type="accounts.session", id=str(session.id))

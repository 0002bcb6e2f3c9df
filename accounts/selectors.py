"""Who and which session: reads, in one query each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts import api_keys
from accounts.constants import RECENT_ACTIVITY
from accounts.models import (
    ApiKey,
    AuthSession,
    ExternalIdentity,
    IdentityProvider,
    Notice,
    Passkey,
    RecoveryCode,
    RecoverySheet,
    ServiceAccount,
    TOTPFactor,
    User,
)
from accounts.models.people import email_digest, user_id_of
from accounts.names import fold_name
from accounts.session_facts import keep_session_facts, privileges_of, with_session_facts
from chatsec.core.context import API_KEY, Actor, ActorKind, Channel
from chatsec.core.errors import NotFound

# What a person adds and removes; and what takes a code that is typed in.
Factor = TOTPFactor | Passkey
CodeFactor = TOTPFactor | RecoverySheet
ShownFactor = Factor | CodeFactor


def find_user_by_login(name: str) -> User | None:
    """Return the user of this name or e-mail address, in whatever spelling."""
    folded = fold_name(name)
    if not folded or "\x00" in name:
        return None
    if "@" in folded:
        return User.objects.filter(email_index=email_digest(folded)).first()
    return User.objects.filter(username=folded).first()


def get_user_by_name_or_id(value: str) -> User:
    """Return the user of this name or id; raise NotFound."""
    found = (
        User.objects.filter(id=user_id).first()
        if (user_id := user_id_of(value))
        else find_user_by_login(value)
    )
    if found is None:
        raise NotFound("There is no such user.")
    return found


def get_user(user_id: UUID) -> User:
    """Return the user of this id; raise NotFound."""
    found = User.objects.select_related("manager").filter(id=user_id).first()
    if found is None:
        raise NotFound("There is no such user.")
    return found


def search_users(text: str) -> QuerySet[User]:
    """Return users whose name begins so, or whose e-mail address is exactly this."""
    folded = fold_name(text).replace("\x00", "")
    matches = Q(username__startswith=folded)
    if "@" in folded:
        matches = Q(email_index=email_digest(folded))
    return User.objects.filter(matches)


def find_live_session(
    session_id: UUID, *, user_id: UUID, now: datetime
) -> AuthSession | None:
    """Return the session with its user if both are good now; one query."""
    rows = AuthSession.objects.select_related("user")
    session = (
        with_session_facts(rows, user="user_id")
        .filter(id=session_id, user_id=user_id)
        .first()
    )
    if session is None or not signs_in(session, now=now):
        return None
    keep_session_facts(session.user, session)
    return session


def find_signed_in(session_id: UUID, *, user_id: UUID, now: datetime) -> User | None:
    """Return the session's user, read anew, while the session still stands."""
    session = find_live_session(session_id, user_id=user_id, now=now)
    return None if session is None else session.user


def session_privileges(session: AuthSession) -> str:
    """Return a mark that changes when the session's user is given or loses a role."""
    row = AuthSession.objects.filter(id=session.id)
    return privileges_of(with_session_facts(row, user="user_id").get())


def signs_in(session: AuthSession, *, now: datetime) -> bool:
    """Whether the session still signs its user in; a program never is."""
    user = session.user
    return session.is_live(now) and user.is_active and not user.is_service


def list_live_sessions(user: User, *, now: datetime) -> QuerySet[AuthSession]:
    """Return the user's signed-in devices, the latest used first."""
    return AuthSession.objects.filter(
        last_seen_at__gt=now - F("idle_limit"),
        user=user,
        revoked_at__isnull=True,
        expires_at__gt=now,
    )


def list_live_devices(user: User, *, now: datetime) -> QuerySet[AuthSession]:
    """Return where the user himself is signed in: not the apps that act for him."""
    return list_live_sessions(user, now=now).exclude(kind=AuthSession.Kind.GRANT)


def list_recent_notices(user: User, *, now: datetime) -> QuerySet[Notice]:
    """Return what the user was told lately, the latest first."""
    return Notice.objects.filter(user=user, created_at__gt=now - RECENT_ACTIVITY)


def actor_for_session(session: AuthSession, channel: Channel) -> Actor:
    """Return the actor that the session stands for."""
    return Actor(
        kind=ActorKind.USER,
        person=session.user,
        session_id=session.id,
        amr=tuple(session.amr),
        authenticated_at=session.authenticated_at,
        stepped_up_at=_stepped_up_at(session),
        channel=channel,
        scopes=None if session.scopes is None else tuple(session.scopes),
    )


def find_api_key(text: str) -> ApiKey | None:
    """Return the key with its account, good or not; one query, none for nonsense."""
    if not api_keys.is_well_formed(text):
        return None
    rows = ApiKey.objects.select_related("user")
    found = (
        with_session_facts(rows, user="user_id")
        .filter(digest=api_keys.digest_of(text))
        .first()
    )
    if found is not None:
        keep_session_facts(found.user, found)
    return found


def list_api_keys(user: User) -> QuerySet[ApiKey]:
    """Return the account's keys, ended ones too, the newest first."""
    return ApiKey.objects.filter(user=user).order_by("-created_at", "-id")


def has_live_keys(user: User, *, now: datetime) -> bool:
    """Whether the account has API keys that work."""
    return (
        list_api_keys(user).filter(revoked_at__isnull=True, expires_at__gt=now).exists()
    )


def declared_volumes() -> dict[UUID, int]:
    """Return how many questions in 24 hours are expected of which accounts."""
    rows = ServiceAccount.objects.order_by().values_list(
        "user_id", "expected_queries_per_day"
    )
    return {user_id: volume for user_id, volume in rows if volume is not None}


def actor_for_key(key: ApiKey) -> Actor:
    """Return the actor that the key stands for: its account, within its scopes."""
    return Actor(
        kind=ActorKind.SERVICE if key.user.is_service else ActorKind.USER,
        person=key.user,
        amr=(API_KEY,),
        authenticated_at=key.created_at,
        channel=Channel.API,
        scopes=tuple(key.scopes),
        key_id=key.id,
        messages_per_minute=key.messages_per_minute,
    )


def list_totp_factors(user: User) -> QuerySet[TOTPFactor]:
    """Return the user's confirmed authenticator apps."""
    found: QuerySet[TOTPFactor] = TOTPFactor.objects.filter(user=user, confirmed=True)
    return found.order_by("created_at")


def list_passkeys(user: User) -> QuerySet[Passkey]:
    """Return the user's passkeys, the latest used first."""
    found: QuerySet[Passkey] = Passkey.objects.filter(user=user, confirmed=True)
    return found.order_by(F("last_used_at").desc(nulls_last=True), "created_at")


def _stepped_up_at(session: AuthSession) -> datetime | None:
    """Return when a second factor was last shown for what a session may do now.

    A connected app never asks for a code. What stands in for one is that its user
    signed in for it just now, with a second factor.
    """
    if session.kind == AuthSession.Kind.GRANT and session.has_second_factor:
        return session.authenticated_at
    return session.stepped_up_at


def list_connected_apps(user: User, *, now: datetime) -> QuerySet[AuthSession]:
    """Return the user's live sessions that an app has, the latest used first."""
    return (
        list_live_sessions(user, now=now)
        .filter(kind=AuthSession.Kind.GRANT)
        .select_related("application")
    )


def list_factors(user: User) -> list[Factor]:
    """Return the user's confirmed second factors, the oldest first."""
    found: list[Factor] = [*list_totp_factors(user), *list_passkeys(user)]
    return sorted(found, key=lambda factor: factor.created_at)


def find_factor(user: User, handle: UUID) -> Factor | None:
    """Return the user's own factor of this handle."""
    return next((each for each in list_factors(user) if each.handle == handle), None)


def find_recovery_sheet(user: User) -> RecoverySheet | None:
    """Return the user's recovery codes, if he has any."""
    return RecoverySheet.objects.filter(user=user).first()  # type: ignore[no-any-return]  # its device class has no types


def find_waiting_factor(user: User) -> TOTPFactor | None:
    """Return the factor that waits for its first code, if any."""
    waiting: TOTPFactor | None = TOTPFactor.objects.filter(
        user=user, confirmed=False
    ).first()
    return waiting


def factor_methods(user: User) -> list[str]:
    """Return which kinds of second factor the user can show.

    Recovery codes only stand in for another one: alone they are none.
    """
    codes = RecoveryCode.objects.filter(
        sheet__user=OuterRef("pk"), used_at__isnull=True
    )
    asked = {
        TOTPFactor.kind: Exists(
            TOTPFactor.objects.filter(user=OuterRef("pk"), confirmed=True)
        ),
        Passkey.kind: Exists(
            Passkey.objects.filter(user=OuterRef("pk"), confirmed=True)
        ),
        RecoverySheet.kind: Exists(codes),
    }
    rows = User.objects.filter(id=user.id).values_list(*asked.values())
    methods = [
        kind
        for row in rows
        for kind, has_one in zip(asked, row, strict=True)
        if has_one
    ]
    return methods if methods != [RecoverySheet.kind] else []


def has_second_factor(user: User) -> bool:
    """Whether the user has something to show besides the password."""
    return bool(factor_methods(user))


def list_providers() -> list[IdentityProvider]:
    """Return the identity providers that people may come in by."""
    return list(IdentityProvider.objects.filter(is_active=True))


def find_provider(slug: str) -> IdentityProvider | None:
    """Return the provider of this short name if people may come in by it."""
    return IdentityProvider.objects.filter(slug=slug, is_active=True).first()


def list_identities(user: User) -> list[ExternalIdentity]:
    """Return the user's identities elsewhere, the oldest first."""
    rows = ExternalIdentity.objects.filter(user=user).select_related("provider")
    return list(rows.order_by("linked_at"))

"""What accounts holds on a person, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils import timezone

from accounts import (
    factor_data,  # noqa: F401 - declares on import
    identity_data,  # noqa: F401 - declares its own models
    key_declarations,  # noqa: F401 - declares itself
)
from accounts.models import (
    AccountToken,
    AttemptBudget,
    AuthorizationCode,
    AuthSession,
    BrowserSession,
    Challenge,
    KnownDevice,
    Notice,
    User,
)
from accounts.services import lockout
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal

BATCH = 500


def _at(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _delete(rows: QuerySet[Model]) -> int:
    """Delete in batches, so that no transaction grows with the table."""
    deleted = 0
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.model._default_manager.filter(pk__in=ids).delete()[0]  # noqa: SLF001 - Django's documented API
    return deleted


def export_user(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the account itself."""
    for user in User.objects.select_related("manager").filter(id=subject_id):
        yield {
            "id": str(user.id),
            "username": user.username,
            "email": user.email,
            "display_name": user.display_name,
            "department": user.department,
            "region": user.region,
            "team": user.team,
            "manager": user.manager.username if user.manager else None,
            "approval_limit": str(user.approval_limit)
            if user.approval_limit is not None
            else None,
            "is_active": user.is_active,
            "is_staff": user.is_staff,
            "date_joined": _at(user.date_joined),
        }


def erase_user(subject_id: UUID) -> int:
    """Delete the account, and with it every row that names it."""
    return User.objects.filter(id=subject_id).delete()[0]


def export_sessions(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield where the person is and was signed in."""
    rows = AuthSession.objects.filter(user_id=subject_id).order_by("id")
    for session in rows.iterator(chunk_size=BATCH):
        yield {
            "id": str(session.id),
            "kind": session.kind,
            "name": session.name,
            "client": session.client,
            "scopes": [*session.scopes] if session.scopes is not None else None,
            "user_agent": session.user_agent,
            "verified_by": list(session.amr),
            "created_at": _at(session.created_at),
            "last_seen_at": _at(session.last_seen_at),
            "stepped_up_at": _at(session.stepped_up_at),
            "expires_at": _at(session.expires_at),
            "revoked_at": _at(session.revoked_at),
        }


def erase_sessions(subject_id: UUID) -> int:
    """Delete the person's sessions with their cookies and tokens."""
    return _delete(AuthSession.objects.filter(user_id=subject_id))


def _ended_sessions(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[AuthSession, AuthSession]:
    return AuthSession.objects.filter(expires_at__lt=before).exclude(user_id__in=held)


def expire_sessions(before: datetime, held: frozenset[UUID]) -> int:
    """Delete sessions that ended before; what a browser left behind goes too."""
    BrowserSession.objects.filter(expires_at__lt=timezone.now()).delete()
    # A spent code is kept for a day, so that a second use is noticed.
    day_ago = timezone.now() - timedelta(days=1)
    AuthorizationCode.objects.filter(expires_at__lt=day_ago).delete()
    return _delete(_ended_sessions(before, held))


def count_expired_sessions(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many sessions `expire_sessions` would delete."""
    return _ended_sessions(before, held).count()


def export_challenges(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield when a code was asked for."""
    rows = Challenge.objects.filter(user_id=subject_id).order_by("created_at", "id")
    for challenge in rows.iterator(chunk_size=BATCH):
        yield {
            "purpose": challenge.purpose,
            "created_at": _at(challenge.created_at),
            "failed_tries": challenge.failed_tries,
            "completed_at": _at(challenge.completed_at),
        }


def erase_challenges(subject_id: UUID) -> int:
    """Delete the questions for a code."""
    return _delete(Challenge.objects.filter(user_id=subject_id))


def _old_challenges(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[Challenge, Challenge]:
    return Challenge.objects.filter(expires_at__lt=before).exclude(user_id__in=held)


def expire_challenges(before: datetime, held: frozenset[UUID]) -> int:
    """Delete questions that were over before."""
    return _delete(_old_challenges(before, held))


def count_expired_challenges(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many questions `expire_challenges` would delete."""
    return _old_challenges(before, held).count()


def export_devices(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield since when which devices are known."""
    rows = KnownDevice.objects.filter(user_id=subject_id).order_by("id")
    for device in rows.iterator(chunk_size=BATCH):
        yield {
            "id": str(device.id),
            "created_at": _at(device.created_at),
            "last_used_at": _at(device.last_used_at),
        }


def erase_devices(subject_id: UUID) -> int:
    """Know none of the person's devices any more."""
    return _delete(KnownDevice.objects.filter(user_id=subject_id))


def _old_devices(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[KnownDevice, KnownDevice]:
    return KnownDevice.objects.filter(last_used_at__lt=before).exclude(user_id__in=held)


def expire_devices(before: datetime, held: frozenset[UUID]) -> int:
    """Delete devices that nobody signed in on since."""
    return _delete(_old_devices(before, held))


def count_expired_devices(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many devices `expire_devices` would delete."""
    return _old_devices(before, held).count()


def export_notices(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what the person was told about the account."""
    rows = Notice.objects.filter(user_id=subject_id).order_by("created_at", "id")
    for notice in rows.select_related("user").iterator(chunk_size=BATCH):
        yield {
            "kind": notice.kind,
            "title": notice.title,
            "text": notice.text,
            "facts": dict(notice.facts),
            "address": notice.address,
            "created_at": _at(notice.created_at),
            "mailed_at": _at(notice.mailed_at),
            "seen_at": _at(notice.seen_at),
        }


def erase_notices(subject_id: UUID) -> int:
    """Delete what the person was told."""
    return _delete(Notice.objects.filter(user_id=subject_id))


def _old_notices(before: datetime, held: frozenset[UUID]) -> QuerySet[Notice, Notice]:
    return Notice.objects.filter(created_at__lt=before).exclude(user_id__in=held)


def expire_notices(before: datetime, held: frozenset[UUID]) -> int:
    """Delete notices from before."""
    return _delete(_old_notices(before, held))


def count_expired_notices(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many notices `expire_notices` would delete."""
    return _old_notices(before, held).count()


def _budgets(subject_id: UUID) -> QuerySet[AttemptBudget, AttemptBudget]:
    return lockout.list_budgets(subject_id)


def export_budgets(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the recent failed sign-ins and any lock."""
    for budget in _budgets(subject_id):
        yield {
            "recent_tries": len(budget.tries),
            "locked_until": _at(budget.locked_until),
        }


def _old_budgets(before: datetime) -> QuerySet[AttemptBudget, AttemptBudget]:
    # Never one that still counts or locks, whatever the policy says.
    safe = min(before, timezone.now() - timedelta(hours=1))
    return AttemptBudget.objects.filter(touched_at__lt=safe)


def expire_budgets(before: datetime, held: frozenset[UUID]) -> int:
    """Delete budgets that nobody touched since; digests name no held subject."""
    kept = [digest for each in held for digest in lockout.digests_of(each)]
    return _delete(_old_budgets(before).exclude(digest__in=kept))


def count_expired_budgets(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many budgets `expire_budgets` would delete."""
    kept = [digest for each in held for digest in lockout.digests_of(each)]
    return _old_budgets(before).exclude(digest__in=kept).count()


def export_account_tokens(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the links that were mailed and wait to be used."""
    for token in AccountToken.objects.filter(user_id=subject_id).order_by("id"):
        yield {
            "purpose": token.purpose,
            "new_email": token.email,
            "created_at": _at(token.created_at),
            "expires_at": _at(token.expires_at),
        }


def erase_account_tokens(subject_id: UUID) -> int:
    """Delete the links that wait."""
    return _delete(AccountToken.objects.filter(user_id=subject_id))


def _old_account_tokens(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[AccountToken, AccountToken]:
    return AccountToken.objects.filter(expires_at__lt=before).exclude(user_id__in=held)


def expire_account_tokens(before: datetime, held: frozenset[UUID]) -> int:
    """Delete links that were over before."""
    return _delete(_old_account_tokens(before, held))


def count_expired_account_tokens(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many links `expire_account_tokens` would delete."""
    return _old_account_tokens(before, held).count()


declare(
    Declaration(
        model="accounts.User",
        holds="Your account: name, e-mail address, place in the organisation",
        part="personal_info",
        purposes=("account",),
        export=export_user,
        erase=erase_user,
    )
)
declare(
    Declaration(
        model="accounts.AuthSession",
        holds="Where and when you signed in",
        part="data_processing_log",
        purposes=("account",),
        export=export_sessions,
        erase=erase_sessions,
        retention="sessions",
        expire=expire_sessions,
        count_expired=count_expired_sessions,
    )
)
declare(
    Declaration(
        model="accounts.Challenge",
        holds="When a verification code was asked of you",
        part="data_processing_log",
        purposes=("security_log",),
        export=export_challenges,
        erase=erase_challenges,
        retention="sign_in_attempts",
        expire=expire_challenges,
        count_expired=count_expired_challenges,
    )
)
declare(
    Declaration(
        model="accounts.AccountToken",
        holds="Links to your account that were mailed to you: invitation, reset",
        part="data_processing_log",
        purposes=("account",),
        export=export_account_tokens,
        erase=erase_account_tokens,
        retention="sessions",
        expire=expire_account_tokens,
        count_expired=count_expired_account_tokens,
    )
)
declare(
    Declaration(
        model="accounts.KnownDevice",
        holds="That a device is one you signed in on before, under a digest",
        part="data_processing_log",
        purposes=("security_log",),
        export=export_devices,
        erase=erase_devices,
        retention="sessions",
        expire=expire_devices,
        count_expired=count_expired_devices,
    )
)
declare(
    Declaration(
        model="accounts.Notice",
        holds="What you were told about your account: new devices, changed factors",
        part="data_processing_log",
        purposes=("security_log",),
        export=export_notices,
        erase=erase_notices,
        retention="notices",
        expire=expire_notices,
        count_expired=count_expired_notices,
    )
)
# Last, so erased first: sessions and devices name the budgets.
declare(
    Declaration(
        model="accounts.AttemptBudget",
        holds="Recent failed sign-ins to your account, counted under a digest",
        part="data_processing_log",
        purposes=("security_log",),
        export=export_budgets,
        erase=lockout.forget_failures,
        retention="sign_in_attempts",
        expire=expire_budgets,
        count_expired=count_expired_budgets,
    )
)
not_personal(
    "accounts.AuthorizationCode",
    "accounts.BrowserSession",
    "accounts.RefreshToken",
    reason="Parts of a session, which is declared and deletes them",
)
not_personal(
    "accounts.OAuthApplication", reason="An app's registration; it names no person"
)
not_personal(
    "oauth2_provider.AccessToken",
    "oauth2_provider.DeviceGrant",
    "oauth2_provider.Grant",
    "oauth2_provider.IDToken",
    "oauth2_provider.RefreshToken",
    reason="Never written: a constraint of each table refuses every row",
)
not_personal(
    "accounts.User_groups", reason="Not used: roles are rbac's, and declared there"
)

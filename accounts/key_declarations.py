"""What API keys and programs' accounts hold on a person, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import ApiKey, ServiceAccount
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare

BATCH = 500


def _at(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def export_keys(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the person's keys; what opens something was never kept."""
    for key in ApiKey.objects.filter(user_id=subject_id).order_by("id"):
        yield {
            "key": key.shown_as,
            "name": key.name,
            "scopes": list(key.scopes),
            "networks": list(key.networks),
            "messages_per_minute": key.messages_per_minute,
            "created_at": _at(key.created_at),
            "expires_at": _at(key.expires_at),
            "last_used_at": _at(key.last_used_at),
            "last_refused_at": _at(key.last_refused_at),
            "revoked_at": _at(key.revoked_at),
        }


def erase_keys(subject_id: UUID) -> int:
    """Delete the person's keys."""
    return ApiKey.objects.filter(user_id=subject_id).delete()[0]


def _ended_keys(before: datetime, held: frozenset[UUID]) -> QuerySet[ApiKey, ApiKey]:
    ended = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    return ApiKey.objects.filter(ended).exclude(user_id__in=held)


def expire_keys(before: datetime, held: frozenset[UUID]) -> int:
    """Delete keys that ended before."""
    deleted, rows = 0, _ended_keys(before, held)
    while ids := list(rows.values_list("id", flat=True)[:BATCH]):
        deleted += ApiKey.objects.filter(id__in=ids).delete()[0]
    return deleted


def count_expired_keys(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many keys `expire_keys` would delete."""
    return _ended_keys(before, held).count()


def export_services(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the programs that the person answers for."""
    rows = ServiceAccount.objects.filter(responsible_id=subject_id)
    for account in rows.select_related("user").order_by("user_id"):
        yield {
            "account": account.user.username,
            "purpose": account.purpose,
            "created_at": _at(account.created_at),
        }


def erase_services(subject_id: UUID) -> int:
    """Forget that the person answers for programs; these stay the company's."""
    return ServiceAccount.objects.filter(responsible_id=subject_id).update(
        responsible=None
    )


declare(
    Declaration(
        model="accounts.ApiKey",
        holds="Your API keys: what for, until when, from where, last used when",
        part="personal_info",
        purposes=("account",),
        export=export_keys,
        erase=erase_keys,
        retention="sessions",
        expire=expire_keys,
        count_expired=count_expired_keys,
    )
)
declare(
    Declaration(
        model="accounts.ServiceAccount",
        holds="The programs that you answer for",
        part="personal_info",
        purposes=("account",),
        export=export_services,
        erase=erase_services,
    )
)

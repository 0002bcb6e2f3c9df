"""What accounts holds on a person's identities elsewhere, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import (
    AuthenticationRequest,
    ChannelCode,
    ExternalIdentity,
    SpentToken,
)
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal


def _at(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def export_identities(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the identities elsewhere that are linked to the account."""
    rows = ExternalIdentity.objects.filter(user_id=subject_id).order_by("id")
    for identity in rows.select_related("provider"):
        yield {
            "where": identity.where,
            "tenant": identity.tenant,
            "subject": identity.subject,
            "label": identity.label,
            "linked_by": identity.linked_by,
            "linked_at": _at(identity.linked_at),
            "last_used_at": _at(identity.last_used_at),
        }


def erase_identities(subject_id: UUID) -> int:
    """Unlink every identity of the person."""
    return ExternalIdentity.objects.filter(user_id=subject_id).delete()[0]


def export_requests(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield when the person was sent to a provider from a signed-in session."""
    rows = AuthenticationRequest.objects.filter(session__user_id=subject_id)
    for asked in rows.select_related("provider").order_by("created_at", "id"):
        yield {
            "provider": asked.provider.name,
            "purpose": asked.purpose,
            "created_at": _at(asked.created_at),
        }


def erase_requests(subject_id: UUID) -> int:
    """Delete what waits for an answer of a provider."""
    rows = AuthenticationRequest.objects.filter(session__user_id=subject_id)
    return rows.delete()[0]


def _dead_requests(
    held: frozenset[UUID],
) -> QuerySet[AuthenticationRequest, AuthenticationRequest]:
    # Nobody can answer one whose time is over: no policy keeps it longer.
    dead = AuthenticationRequest.objects.filter(expires_at__lt=timezone.now())
    return dead.filter(Q(session=None) | ~Q(session__user_id__in=held))


def expire_requests(before: datetime, held: frozenset[UUID]) -> int:
    """Delete requests whose time is over, and tokens that would be refused by now."""
    SpentToken.objects.filter(expires_at__lt=timezone.now()).delete()
    return _dead_requests(held).delete()[0]


def count_expired_requests(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many requests `expire_requests` would delete."""
    return _dead_requests(held).count()


def export_codes(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield which chat channels the person was about to link."""
    rows = ChannelCode.objects.filter(session__user_id=subject_id).order_by("id")
    for code in rows:
        yield {"channel": code.channel, "created_at": _at(code.created_at)}


def erase_codes(subject_id: UUID) -> int:
    """Delete the codes that wait to be used."""
    return ChannelCode.objects.filter(session__user_id=subject_id).delete()[0]


def _dead_codes(held: frozenset[UUID]) -> QuerySet[ChannelCode, ChannelCode]:
    dead = ChannelCode.objects.filter(expires_at__lt=timezone.now())
    return dead.exclude(session__user_id__in=held)


def expire_codes(before: datetime, held: frozenset[UUID]) -> int:
    """Delete codes whose time is over."""
    return _dead_codes(held).delete()[0]


def count_expired_codes(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many codes `expire_codes` would delete."""
    return _dead_codes(held).count()


declare(
    Declaration(
        model="accounts.ExternalIdentity",
        holds="Your identities elsewhere by which you sign in here",
        part="personal_info",
        purposes=("account",),
        export=export_identities,
        erase=erase_identities,
    )
)
declare(
    Declaration(
        model="accounts.AuthenticationRequest",
        holds="When you were sent to an identity provider and are expected back",
        part="data_processing_log",
        purposes=("account",),
        export=export_requests,
        erase=erase_requests,
        retention="sign_in_attempts",
        expire=expire_requests,
        count_expired=count_expired_requests,
    )
)
declare(
    Declaration(
        model="accounts.ChannelCode",
        holds="Codes by which you were about to link a chat channel",
        part="data_processing_log",
        purposes=("account",),
        export=export_codes,
        erase=erase_codes,
        retention="sign_in_attempts",
        expire=expire_codes,
        count_expired=count_expired_codes,
    )
)
not_personal(
    "accounts.ProviderSession",
    reason="Part of a session, which is declared and deletes it",
)
not_personal(
    "accounts.IdentityProvider",
    "accounts.SpentToken",
    reason="About a company's sign-in, not about a person",
)

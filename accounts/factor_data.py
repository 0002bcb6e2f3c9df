"""What accounts holds on a person's second factors; `personal_data` brings it in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.constants import ENROLMENT_LIFE
from accounts.models import Passkey, RecoverySheet, TOTPFactor
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal


def _at(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def export_factors(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the person's authenticator apps, without their secrets."""
    for factor in TOTPFactor.objects.filter(user_id=subject_id).order_by("id"):
        yield {
            "name": factor.name,
            "kind": factor.kind,
            "confirmed": factor.confirmed,
            "created_at": _at(factor.created_at),
            "last_used_at": _at(factor.last_used_at),
        }


def erase_factors(subject_id: UUID) -> int:
    """Delete the person's authenticator apps."""
    deleted: int = TOTPFactor.objects.filter(user_id=subject_id).delete()[0]
    return deleted


def _unfinished(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[TOTPFactor, TOTPFactor]:
    # Never one that its owner may still be setting up, whatever the policy says.
    safe = min(before, timezone.now() - ENROLMENT_LIFE)
    rows: QuerySet[TOTPFactor, TOTPFactor] = TOTPFactor.objects.filter(
        confirmed=False, created_at__lt=safe
    )
    return rows.exclude(user_id__in=held)


def expire_unfinished(before: datetime, held: frozenset[UUID]) -> int:
    """Delete set-ups that were begun before and never finished."""
    return _unfinished(before, held).delete()[0]


def count_unfinished(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many set-ups `expire_unfinished` would delete."""
    return _unfinished(before, held).count()


def export_passkeys(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the person's passkeys, without what they are found and checked by."""
    for passkey in Passkey.objects.filter(user_id=subject_id).order_by("id"):
        yield {
            "name": passkey.name,
            "kind": passkey.kind,
            "synced": passkey.is_synced,
            "created_at": _at(passkey.created_at),
            "last_used_at": _at(passkey.last_used_at),
        }


def erase_passkeys(subject_id: UUID) -> int:
    """Delete the person's passkeys."""
    deleted: int = Passkey.objects.filter(user_id=subject_id).delete()[0]
    return deleted


def export_recovery(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield that the person has recovery codes, and how many are left."""
    for sheet in RecoverySheet.objects.filter(user_id=subject_id):
        yield {
            "kind": sheet.kind,
            "codes_left": sheet.count_left(),
            "created_at": _at(sheet.created_at),
            "last_used_at": _at(sheet.last_used_at),
        }


def erase_recovery(subject_id: UUID) -> int:
    """Delete the person's recovery codes."""
    deleted: int = RecoverySheet.objects.filter(user_id=subject_id).delete()[0]
    return deleted


declare(
    Declaration(
        model="accounts.TOTPFactor",
        holds="Your authenticator apps",
        part="personal_info",
        purposes=("account",),
        export=export_factors,
        erase=erase_factors,
        retention="sign_in_attempts",
        expire=expire_unfinished,
        count_expired=count_unfinished,
    )
)
declare(
    Declaration(
        model="accounts.Passkey",
        holds="Your passkeys",
        part="personal_info",
        purposes=("account",),
        export=export_passkeys,
        erase=erase_passkeys,
    )
)
declare(
    Declaration(
        model="accounts.RecoverySheet",
        holds="That you have recovery codes, and how many are left",
        part="personal_info",
        purposes=("account",),
        export=export_recovery,
        erase=erase_recovery,
    )
)
not_personal(
    "accounts.RecoveryCode",
    reason="Digests of the codes of a sheet, which is declared and deletes them",
)

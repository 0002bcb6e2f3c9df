"""The data map of packages that do not bring their own.

Axes knows people by a keyed digest only; sessions are accounts' own. What is left is
what an administrator did in the admin site, and permissions on single objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from axes.models import AccessAttempt, AccessBase, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from guardian.models import UserObjectPermission

from accounts.models import User
from accounts.services.lockout import user_digest
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal
from privacy.batches import delete_in_batches

CHUNK = 500


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _sign_in_name(subject_id: UUID) -> str:
    """Return the digest under which the ledger of failed sign-ins knows the person."""
    return user_digest(subject_id).hex()


def _ledger_rows(model: type[AccessBase], subject_id: UUID) -> QuerySet[AccessBase]:
    name = _sign_in_name(subject_id)
    rows: QuerySet[AccessBase] = model.objects.filter(username=name)
    return rows.order_by("pk")


def _declare_ledger(model: type[AccessBase], *, holds: str) -> None:
    def export(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
        for row in _ledger_rows(model, subject_id).iterator(chunk_size=CHUNK):
            yield {
                "attempted_at": _moment(row.attempt_time),
                "address": row.ip_address,
                "user_agent": row.user_agent,
                "path": row.path_info,
            }

    def erase(subject_id: UUID) -> int:
        return delete_in_batches(_ledger_rows(model, subject_id))

    def _expired(before: datetime, held: frozenset[UUID]) -> QuerySet[AccessBase]:
        kept = [_sign_in_name(each) for each in held]
        rows: QuerySet[AccessBase] = model.objects.filter(attempt_time__lt=before)
        # NULL is nobody's name; `exclude` alone would keep those rows for ever.
        return rows.filter(~Q(username__in=kept) | Q(username__isnull=True))

    def expire(before: datetime, held: frozenset[UUID]) -> int:
        return delete_in_batches(_expired(before, held))

    def count_expired(before: datetime, held: frozenset[UUID]) -> int:
        return _expired(before, held).count()

    declare(
        Declaration(
            model=model._meta.label,  # noqa: SLF001 - documented model API
            holds=holds,
            part="data_processing_log",
            purposes=("security_log",),
            export=export,
            erase=erase,
            retention="sign_in_attempts",
            expire=expire,
            count_expired=count_expired,
        )
    )


_declare_ledger(AccessAttempt, holds="Failed sign-ins to your account, counted")
_declare_ledger(AccessFailureLog, holds="Failed sign-ins to your account, one by one")
_declare_ledger(AccessLog, holds="Sign-ins to your account (not written by chatsec)")


def _admin_actions(subject_id: UUID) -> QuerySet[LogEntry]:
    return LogEntry.objects.filter(user_id=subject_id).order_by("pk")


def _admin_actions_upon(subject_id: UUID) -> QuerySet[LogEntry]:
    people = ContentType.objects.get_for_model(User)
    return LogEntry.objects.filter(content_type=people, object_id=str(subject_id))


def export_admin_actions(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what the person did in the admin site, without naming anybody else."""
    rows = _admin_actions(subject_id).select_related("content_type")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "done_at": _moment(row.action_time),
            "action": row.get_action_flag_display(),
            "kind": str(row.content_type or ""),
            "object_id": row.object_id,
        }
    for row in _admin_actions_upon(subject_id).iterator(chunk_size=CHUNK):
        yield {
            "done_at": _moment(row.action_time),
            "action": row.get_action_flag_display(),
            "kind": "your account",
            "object_id": row.object_id,
            "recorded_as": row.object_repr,
        }


def erase_admin_actions(subject_id: UUID) -> int:
    """Delete the person's entries; take the name out of those of others upon him."""
    named = _admin_actions_upon(subject_id).update(object_repr="", change_message="")
    return named + delete_in_batches(_admin_actions(subject_id))


def _expired_admin_actions(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[LogEntry]:
    rows = LogEntry.objects.filter(action_time__lt=before).exclude(user_id__in=held)
    return rows.exclude(object_id__in=[str(each) for each in held])


def expire_admin_actions(before: datetime, held: frozenset[UUID]) -> int:
    """Delete entries from before; the audit log has the evidence."""
    return delete_in_batches(_expired_admin_actions(before, held))


def count_expired_admin_actions(before: datetime, held: frozenset[UUID]) -> int:
    """Return how many entries `expire_admin_actions` would delete."""
    return _expired_admin_actions(before, held).count()


declare(
    Declaration(
        model="admin.LogEntry",
        holds="What you changed in the administration pages, or was changed about you",
        part="data_processing_log",
        purposes=("audit_trail",),
        export=export_admin_actions,
        erase=erase_admin_actions,
        retention="access_log",
        expire=expire_admin_actions,
        count_expired=count_expired_admin_actions,
    )
)


def _object_permissions(subject_id: UUID) -> QuerySet[UserObjectPermission]:
    rows: QuerySet[UserObjectPermission] = UserObjectPermission.objects.filter(
        user_id=subject_id
    )
    return rows.order_by("pk")


def export_object_permissions(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what the person may do with single objects."""
    rows = _object_permissions(subject_id).select_related("permission", "content_type")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "permission": row.permission.codename,
            "kind": str(row.content_type),
            "object_id": row.object_pk,
        }


def erase_object_permissions(subject_id: UUID) -> int:
    """Delete the person's permissions on single objects."""
    return delete_in_batches(_object_permissions(subject_id))


declare(
    Declaration(
        model="guardian.UserObjectPermission",
        holds="What you may do with single conversations, queries and collections",
        part="personal_info",
        purposes=("account",),
        export=export_object_permissions,
        erase=erase_object_permissions,
    )
)

not_personal(
    "axes.AccessAttemptExpiration", reason="An end date of a row that is declared"
)
not_personal("guardian.GroupObjectPermission", reason="Names a group, not a person")
not_personal(
    "auth.Group",
    "auth.Permission",
    "auth.Group_permissions",
    reason="Names of groups and permissions; who has them is declared by accounts",
)
not_personal("contenttypes.ContentType", reason="Names of models")
not_personal(
    "sessions.Session", reason="Not used: sessions are accounts.BrowserSession"
)

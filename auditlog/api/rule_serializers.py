"""What became of a detection rule, as rows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from auditlog.selectors import RuleChange
from auditlog.selectors.rule_history import CHANGE_KINDS, Excepted
from auditlog.shapes import actor_pseudonym
from chatsec.core.errors import Json


class HistoryQuery(serializers.Serializer[Any]):
    """Which page of the changes."""

    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200)


class FieldRow(serializers.Serializer[Any]):
    """One field that was changed; what it is told is called `parameters.<name>`."""

    field = serializers.CharField()
    old = serializers.JSONField(
        required=False,
        allow_null=True,
        help_text="null where there was nothing; absent where it was not kept.",
    )
    new = serializers.JSONField(allow_null=True)
    shipped = serializers.JSONField(
        allow_null=True, help_text="Of a rule of the floor: what it ships with."
    )


class ExceptedRow(serializers.Serializer[Any]):
    """Whom an exception is about."""

    id = serializers.CharField()
    whom = serializers.CharField(help_text="account, network, or a kind of account.")
    user_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    network = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class ChangeRow(serializers.Serializer[Any]):
    """One change of a rule."""

    id = serializers.UUIDField(help_text="Of its event, under /audit/events.")
    timestamp = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=CHANGE_KINDS)
    version = serializers.IntegerField(allow_null=True)
    user_id = serializers.UUIDField(allow_null=True)
    actor_name = serializers.CharField(allow_null=True)
    actor_kind = serializers.CharField()
    is_erased = serializers.BooleanField(
        help_text="Who made it was erased: what it was about opens no more."
    )
    reason = serializers.CharField(
        allow_null=True, help_text="null where its person was erased."
    )
    changes = FieldRow(many=True)
    exception = ExceptedRow(allow_null=True)


class ChangePage(serializers.Serializer[Any]):
    """Changes, newest first, with the addresses of the pages beside."""

    results = ChangeRow(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


def change_row(change: RuleChange) -> dict[str, Json]:
    """Return one change as the API says it."""
    event = change.read.event
    return {
        "id": str(event.event_id),
        "timestamp": event.occurred_at.isoformat(),
        "kind": change.kind,
        "version": change.version,
        "user_id": actor_pseudonym(event),
        "actor_name": change.read.actor_name,
        "actor_kind": event.actor_kind,
        "is_erased": change.is_erased,
        "reason": change.reason,
        "changes": _fields(change),
        "exception": _excepted(change.exception),
    }


def _fields(change: RuleChange) -> list[Json]:
    return [
        {
            "field": each.field,
            **({"old": each.old} if change.has_old_values else {}),
            "new": each.new,
            "shipped": each.shipped,
        }
        for each in change.fields
    ]


def _excepted(found: Excepted | None) -> dict[str, Json] | None:
    if found is None:
        return None
    return {
        **found._asdict(),
        "user_id": str(found.user_id) if found.user_id else None,
        "expires_at": found.expires_at.isoformat() if found.expires_at else None,
    }

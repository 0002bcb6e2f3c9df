"""Events with a chosen time, and people who are only an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Unpack
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events
from auditlog.models import Event
from auditlog.registry import EventType
from auditlog.services.recording import Evidence, build_row, insert
from chatsec.core.context import Actor, ActorKind, AttributeValue, Channel


@dataclass(frozen=True)
class Somebody:
    """A person without an account: what evidence needs of one."""

    id: UUID = field(default_factory=uuid7)
    username: str = "somebody"
    is_active: bool = True
    is_service: bool = False

    def policy_attributes(self) -> Mapping[str, AttributeValue]:
        return {"id": str(self.id), "username": self.username}


def make_actor(person: object | None = None) -> Actor:
    return Actor(
        kind=ActorKind.USER,
        person=person or Somebody(),  # type: ignore[arg-type]  # any user model will do
        session_id=uuid7(),
        amr=("pwd",),
        channel=Channel.API,
    )


def make_event(
    event_type: EventType = events.CHATBOT_QUERY,
    *,
    at: datetime | None = None,
    **evidence: Unpack[Evidence],
) -> Event:
    """Return a stored event that happened `at`."""
    row = build_row(event_type, evidence, occurred_at=at or timezone.now())
    insert(row)
    return Event.objects.get(event_id=row.event_id)


def make_first_version_event() -> Event:
    """Return a stored event as it was written before events had places."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auditlog_event (event_id, category, occurred_at, event_type,"
            " severity, outcome, actor_kind, expires_at, schema_version)"
            " VALUES (%s, 'access', now(), 'chatbot_query', 'info', 'success',"
            " 'system', now() + interval '90 days', 1)",
            [event_id := uuid7()],
        )
    return Event.objects.get(event_id=event_id)


def make_denials(
    actor: Actor, *, count: int, every: timedelta, until: datetime
) -> None:
    """Leave `count` denials of one actor, the last of them at `until`."""
    for number in range(count):
        make_event(
            events.AUTHORIZATION_DENIED,
            at=until - every * number,
            actor=actor,
            outcome="denied",
            details={"required_permission": "read_financial", "reason": "no role"},
        )


def destroy_key(subject_id: UUID | None) -> None:
    """Erase the person as the provider of keys does it."""
    _key_provider().destroy_key(subject_id)


def forget_cached_keys() -> None:
    """Let the next use of any key read the database."""
    _key_provider().forget_cached_keys()


def _key_provider() -> ModuleType:
    """Return the module behind the door: it belongs to a layer above this one."""
    return import_module(settings.CHATSEC_SUBJECT_KEYS.rpartition(".")[0])

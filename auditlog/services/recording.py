"""The one door by which evidence gets into the event log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypedDict, Unpack
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.constants import (
    MAX_DETAILS_BYTES,
    RETENTION_DAYS,
    SCHEMA_VERSION,
    Outcome,
)
from auditlog.errors import DetailsTooLarge, PartitionMissing
from auditlog.redacting import clear_id, clear_text, is_identifier, redact_details
from auditlog.registry import EventType, is_registered
from auditlog.sealing import Column, seal_column
from chatsec.core import context
from chatsec.core.context import Actor, RequestContext
from chatsec.core.countries import country_of
from chatsec.core.crypto import blind_index, subject_keys
from chatsec.core.devices import name_device
from chatsec.core.errors import Json
from chatsec.core.networks import surroundings_of

HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Target:
    """The thing that was acted on; the label is sealed with the details."""

    type: str
    id: UUID | int | str
    label: str = ""


class Evidence(TypedDict, total=False):
    """What one event can say besides its type."""

    actor: Actor | None  # None: who acts in this request
    outcome: Outcome
    target: Target | None
    # The person that the event is about, whose key seals `subject_details`.
    subject_id: UUID | None
    details: Mapping[str, Json]
    subject_details: Mapping[str, Json]
    classification: str
    result_count: int | None


class Row(NamedTuple):
    """One row of the event table, in the order of the INSERT."""

    event_id: UUID
    category: str
    occurred_at: datetime
    event_type: str
    severity: str
    outcome: str
    actor_kind: str
    actor_pseudonym: UUID | None
    subject_pseudonym: UUID | None
    channel: str
    session_hash: bytes | None
    ip_hash: bytes | None
    request_id: str
    resource_type: str
    resource_id: str
    classification: str
    result_count: int | None
    details: bytes | None
    subject_details: bytes | None
    redacted: bool
    redaction_count: int
    expires_at: datetime
    schema_version: int
    network_hash: bytes | None
    device_hash: bytes | None
    country: str


_INSERT: Final = (
    f"INSERT INTO auditlog_event ({', '.join(Row._fields)})"  # noqa: S608  own names
    f" VALUES ({', '.join(['%s'] * len(Row._fields))})"
)


def record(event: EventType, **evidence: Unpack[Evidence]) -> UUID:
    """Write the event in the caller's transaction and return its id.

    Whatever fails here propagates, so that the act which it proves fails with it.
    Texts in `details` are redacted; `subject_details` are kept as given, under the
    subject's own key: names and addresses go there and free text does not.
    """
    row = build_row(event, evidence, occurred_at=timezone.now())
    insert(row)
    return row.event_id


def build_row(event: EventType, evidence: Evidence, *, occurred_at: datetime) -> Row:
    """Return the event as it will be stored: pseudonyms in clear, the rest sealed."""
    if not is_registered(event):
        raise ValueError(f"{event.name}: not a registered event type")
    actor = evidence.get("actor") or context.current_actor()
    target, subject_id = evidence.get("target"), evidence.get("subject_id")
    request = context.current()
    event_id = uuid7()
    details, subject_details = _with_label(evidence, target)
    clean = redact_details(details)
    column = Column(event_id, event.name, event.category, "details")
    return Row(
        event_id=event_id,
        category=event.category,
        occurred_at=occurred_at,
        event_type=event.name,
        severity=event.severity,
        outcome=evidence.get("outcome", "success"),
        actor_kind=actor.kind.value,
        actor_pseudonym=_pseudonym(actor.id),
        subject_pseudonym=_pseudonym(subject_id),
        channel=actor.channel.value,
        session_hash=_session_hash(actor.session_id),
        ip_hash=ip_hash(request.ip),
        request_id=clear_text(request.request_id),
        resource_type=clear_text(target.type) if target else "",
        resource_id=_resource_id(target, subject_id),
        classification=clear_text(evidence.get("classification", "")),
        result_count=evidence.get("result_count"),
        details=_sealed(clean.details, column, actor.id),
        subject_details=_sealed(
            subject_details, column._replace(name="subject_details"), subject_id
        ),
        redacted=clean.replaced > 0,
        redaction_count=clean.replaced,
        expires_at=occurred_at + timedelta(days=RETENTION_DAYS[event.category]),
        schema_version=SCHEMA_VERSION,
        network_hash=network_hash(request.ip),
        device_hash=_device_hash(request),
        country=country_of(request.ip),
    )


def insert(row: Row) -> None:
    """Write one row with one statement; a missing partition is PartitionMissing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, row)
    except IntegrityError as error:
        if "no partition of relation" not in str(error):
            raise
        raise PartitionMissing(
            f"No audit partition takes {row.category} events of"
            f" {row.occurred_at:%Y-%m-%d}: run the partition task."
        ) from error


def ip_hash(ip: str | None) -> bytes | None:
    """Return the keyed digest under which events know a network address."""
    return blind_index("audit-ip", ip)[:HASH_BYTES] if ip else None


def network_hash(ip: str | None) -> bytes | None:
    """Return the keyed digest of the network around an address."""
    around = surroundings_of(ip)
    return blind_index("audit-network", around)[:HASH_BYTES] if around else None


def _device_hash(request: RequestContext) -> bytes | None:
    """Return the keyed digest of the browser that signed in before, or of its kind.

    The oldest of its marks is the one that stays when somebody else signs in on it.
    """
    if request.devices:
        return blind_index("audit-device", request.devices[-1])[:HASH_BYTES]
    kind = name_device(request.user_agent)
    return blind_index("audit-device-kind", kind)[:HASH_BYTES] if kind else None


def _session_hash(session_id: UUID | None) -> bytes | None:
    if session_id is None:
        return None
    return blind_index("audit-session", str(session_id))[:HASH_BYTES]


def _pseudonym(subject_id: UUID | None) -> UUID | None:
    return None if subject_id is None else subject_keys().pseudonym(subject_id)


def _with_label(
    evidence: Evidence, target: Target | None
) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """Put what a clear column must not say beside the sealed details."""
    details = evidence.get("details", {})
    subject_details = evidence.get("subject_details", {})
    if target is None:
        return details, subject_details
    named: dict[str, Json] = {}
    if target.label:
        named["target_label"] = target.label
    if not is_identifier(str(target.id)):
        named["target_id"] = str(target.id)
    if evidence.get("subject_id") is not None:
        return details, {**subject_details, **named}
    return {**details, **named}, subject_details


def _resource_id(target: Target | None, subject_id: UUID | None) -> str:
    if target is None:
        return ""
    if subject_id is not None and str(target.id) == str(subject_id):
        # A person as the target is known by his pseudonym only.
        return str(_pseudonym(subject_id))
    return clear_text(clear_id(str(target.id)))


def _sealed(
    document: Mapping[str, Json], column: Column, owner: UUID | None
) -> bytes | None:
    if not document:
        return None
    text = json.dumps(
        document,
        cls=DjangoJSONEncoder,
        allow_nan=False,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    if len(text.encode()) > MAX_DETAILS_BYTES:
        raise DetailsTooLarge(f"{column.event_type}: {column.name} exceed 16 KB")
    return seal_column(text, column=column, owner=owner)

"""From what somebody says of an event to the row that is stored.

In two steps: a draft needs no database, and so can wait on a disk for one. The row is
the draft with pseudonyms in place of people and with its details sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, TypedDict
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from uuid_utils.compat import uuid7

from auditlog.constants import (
    MAX_DETAILS_BYTES,
    OUTCOMES,
    RETENTION_DAYS,
    SCHEMA_VERSION,
    Category,
    Outcome,
)
from auditlog.errors import DetailsTooLarge
from auditlog.redacting import clear_id, clear_text, is_identifier, redact_details
from auditlog.registry import EventType, is_registered
from auditlog.sealing import Column, seal_column
from chatsec.core import context
from chatsec.core.context import Actor
from chatsec.core.countries import country_of
from chatsec.core.crypto import blind_index, subject_keys
from chatsec.core.devices import name_device
from chatsec.core.errors import Json
from chatsec.core.networks import surroundings_of

HASH_BYTES: Final = 16
# Requests of one client come together: its digests are worth keeping.
REMEMBERED: Final = 2048
_ENCODER: Final = DjangoJSONEncoder(
    allow_nan=False, ensure_ascii=False, separators=(",", ":")
)


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


class Draft(NamedTuple):
    """An event with the people that it names, redacted and not yet sealed."""

    event_id: UUID
    category: Category
    occurred_at: datetime
    event_type: str
    severity: str
    outcome: str
    actor_kind: str
    actor_id: UUID | None
    subject_id: UUID | None
    channel: str
    session_hash: bytes | None
    ip_hash: bytes | None
    request_id: str
    resource_type: str
    # None: the resource is the subject.
    resource_id: str | None
    classification: str
    result_count: int | None
    details: str
    subject_details: str
    redaction_count: int
    network_hash: bytes | None
    device_hash: bytes | None
    country: str


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


def build_row(event: EventType, evidence: Evidence, *, occurred_at: datetime) -> Row:
    """Return the event as it will be stored: pseudonyms in clear, the rest sealed."""
    return sealed_row(draft_event(event, evidence, occurred_at=occurred_at))


def draft_event(
    event: EventType, evidence: Evidence, *, occurred_at: datetime
) -> Draft:
    """Return what the event says, redacted; raise what is wrong with it.

    Raises ValueError for what is not registered, DetailsTooLarge.
    """
    outcome = evidence.get("outcome", "success")
    if not is_registered(event):
        raise ValueError(f"{event.name}: not a registered event type")
    if outcome not in OUTCOMES:
        raise ValueError(f"{event.name}: no event has the outcome {outcome!r}")
    actor = evidence.get("actor") or context.current_actor()
    target, request = evidence.get("target"), context.current()
    details, subject_details = _with_label(evidence, target)
    clean = redact_details(details)
    return Draft(
        event_id=uuid7(),
        category=event.category,
        occurred_at=occurred_at,
        event_type=event.name,
        severity=event.severity,
        outcome=outcome,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        subject_id=evidence.get("subject_id"),
        channel=actor.channel.value,
        session_hash=_session_hash(actor.session_id),
        ip_hash=ip_hash(request.ip),
        request_id=clear_text(request.request_id),
        resource_type=clear_text(target.type) if target else "",
        resource_id=_resource_id(target, evidence.get("subject_id")),
        classification=clear_text(evidence.get("classification", "")),
        result_count=evidence.get("result_count"),
        details=_document(clean.details, event, "details"),
        subject_details=_document(subject_details, event, "subject_details"),
        redaction_count=clean.replaced,
        network_hash=network_hash(request.ip),
        device_hash=_device_hash(request.devices, request.user_agent),
        country=country_of(request.ip),
    )


def sealed_row(draft: Draft) -> Row:
    """Return the draft's row; the keys of its people may have to be read, or made."""
    column = Column(draft.event_id, draft.event_type, draft.category, "details")
    about = column._replace(name="subject_details")
    actor, subject = _pseudonym(draft.actor_id), _pseudonym(draft.subject_id)
    # A person as the target is known by his pseudonym only.
    resource = str(subject) if draft.resource_id is None else draft.resource_id
    if resource == str(draft.actor_id):
        resource = str(actor)
    kept_for = timedelta(days=RETENTION_DAYS[draft.category])
    return Row(
        *draft[:7],
        actor,
        subject,
        *draft[9:14],
        resource,
        draft.classification,
        draft.result_count,
        _sealed(draft.details, column, draft.actor_id),
        _sealed(draft.subject_details, about, draft.subject_id),
        draft.redaction_count > 0,
        draft.redaction_count,
        draft.occurred_at + kept_for,
        SCHEMA_VERSION,
        *draft[20:],
    )


@lru_cache(maxsize=REMEMBERED)
def ip_hash(ip: str | None) -> bytes | None:
    """Return the keyed digest under which events know a network address."""
    return blind_index("audit-ip", ip)[:HASH_BYTES] if ip else None


@lru_cache(maxsize=REMEMBERED)
def network_hash(ip: str | None) -> bytes | None:
    """Return the keyed digest of the network around an address."""
    around = surroundings_of(ip)
    return blind_index("audit-network", around)[:HASH_BYTES] if around else None


@lru_cache(maxsize=REMEMBERED)
def _device_hash(devices: tuple[str, ...], user_agent: str) -> bytes | None:
    """Return the keyed digest of the browser that signed in before, or of its kind.

    The oldest of its marks is the one that stays when somebody else signs in on it.
    """
    if devices:
        return blind_index("audit-device", devices[-1])[:HASH_BYTES]
    kind = name_device(user_agent)
    return blind_index("audit-device-kind", kind)[:HASH_BYTES] if kind else None


@lru_cache(maxsize=REMEMBERED)
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


def _resource_id(target: Target | None, subject_id: UUID | None) -> str | None:
    if target is None:
        return ""
    if subject_id is not None and str(target.id) == str(subject_id):
        return None
    return clear_text(clear_id(str(target.id)))


def _document(document: Mapping[str, Json], event: EventType, name: str) -> str:
    if not document:
        return ""
    text = _ENCODER.encode(document)
    if len(text.encode()) > MAX_DETAILS_BYTES:
        raise DetailsTooLarge(f"{event.name}: {name} exceed 16 KB")
    return text


def _sealed(text: str, column: Column, owner: UUID | None) -> bytes | None:
    return seal_column(text, column=column, owner=owner) if text else None

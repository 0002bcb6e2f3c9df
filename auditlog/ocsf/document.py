"""One event as an OCSF document: pseudonyms and digests, no address and no name.

What has no place in the schema is under `unmapped`, in our own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from auditlog.constants import Category
from auditlog.models import Event
from auditlog.ocsf.classes import OTHER, VERSION, Kind, OcsfClass, kind_of
from auditlog.registry import event_types
from auditlog.shapes import ReadEvent, session_label
from chatsec.core.errors import Json

Document = dict[str, Json]
NAME: Final = "chatsec"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
SEVERITIES: Final = {
    "info": (1, "Informational"),
    "notice": (2, "Low"),
    "warning": (3, "Medium"),
    "error": (4, "High"),
    "critical": (5, "Critical"),
}
USER_TYPES: Final = {"user": 1, "system": 3, "service": 4}
# The state of an incident after what happened to it: new, in progress, resolved.
INCIDENT_STATES: Final = {1: (1, "New"), 2: (2, "In Progress"), 3: (4, "Resolved")}


def ocsf_document(read: ReadEvent) -> Document:
    """Return the event with every attribute that its class requires."""
    event = read.event
    kind = kind_of(event.event_type, cast("Category", event.category))
    severity_id, severity = SEVERITIES.get(event.severity, (0, "Unknown"))
    return {
        "metadata": _metadata(event),
        "time": _milliseconds(event.occurred_at),
        "category_uid": kind.ocsf_class // 1000,
        "class_uid": int(kind.ocsf_class),
        "activity_id": kind.activity_id,
        "activity_name": kind.activity_name or event.event_type,
        "type_uid": kind.ocsf_class * 100 + kind.activity_id,
        "severity_id": severity_id,
        "severity": severity,
        "message": _description(event.event_type),
        **_status(event, kind),
        **_OWN[kind.ocsf_class](read, kind),
        "unmapped": _unmapped(read),
    }


def _metadata(event: Event) -> Document:
    return {
        "version": VERSION,
        "uid": str(event.event_id),
        "product": {"name": NAME, "vendor_name": NAME},
        "event_code": event.event_type,
        "log_name": event.category,
        **_given(correlation_uid=event.request_id),
    }


def _status(event: Event, kind: Kind) -> Document:
    """Return how it ended; findings have a state instead (see `_incident`)."""
    if kind.ocsf_class // 1000 == 2:
        return {}
    succeeded = event.outcome == "success"
    status_id, status = (1, "Success") if succeeded else (2, "Failure")
    return {"status_id": status_id, "status": status, "status_detail": event.outcome}


def _account(read: ReadEvent, _kind: Kind) -> Document:
    return {**_around(read), "user": _user_concerned(read)}


def _authentication(read: ReadEvent, kind: Kind) -> Document:
    session = session_label(read.event)
    return {
        **_account(read, kind),
        "service": {"name": NAME},
        **_given(session={"uid": session} if session else None),
    }


def _user_access(read: ReadEvent, kind: Kind) -> Document:
    event = read.event
    return {
        **_account(read, kind),
        "privileges": [event.resource_id or event.resource_type or "unknown"],
        "resources": _resources(event),
    }


def _entity(read: ReadEvent, _kind: Kind) -> Document:
    event = read.event
    entity: Document = {
        "type": event.resource_type or event.category,
        "uid": event.resource_id or str(event.event_id),
    }
    return {**_around(read), "entity": entity}


def _api(read: ReadEvent, _kind: Kind) -> Document:
    event = read.event
    api: Document = {"operation": event.event_type, "service": {"name": NAME}}
    return {**_around(read), "api": api, "resources": _resources(event)}


def _datastore(read: ReadEvent, _kind: Kind) -> Document:
    table: Document = {"name": read.event.resource_type or "unknown"}
    return {**_around(read), "table": table, "type_id": 3, "type": "Table"}


def _error(read: ReadEvent, _kind: Kind) -> Document:
    return {}


def _finding(read: ReadEvent, _kind: Kind) -> Document:
    return {
        "finding_info": _finding_info(read),
        "is_alert": True,
        "status_id": 1,
        "status": "New",
    }


def _incident(read: ReadEvent, kind: Kind) -> Document:
    status_id, status = INCIDENT_STATES[kind.activity_id]
    return {
        "finding_info_list": [_finding_info(read)],
        "assignee": _actor_user(read),
        "status_id": status_id,
        "status": status,
    }


def _finding_info(read: ReadEvent) -> Document:
    event = read.event
    return {
        "uid": event.resource_id or str(event.event_id),
        "title": _description(event.event_type),
        "created_time": _milliseconds(event.occurred_at),
        "analytic": {"name": NAME, "type_id": 1, "type": "Rule"},
    }


def _around(read: ReadEvent) -> Document:
    """Return who did it and where he came from."""
    event = read.event
    actor: Document = {"user": _actor_user(read)}
    if session := session_label(event):
        actor["session"] = {"uid": session}
    return {"actor": actor, "src_endpoint": _source(event)}


def _source(event: Event) -> Document:
    found: Document = {"svc_name": event.channel or "unknown"}
    if event.ip_hash is not None:
        found["uid"] = bytes(event.ip_hash).hex()
    if event.country:
        found["location"] = {"country": event.country}
    return found


def _actor_user(read: ReadEvent) -> Document:
    event = read.event
    if event.actor_pseudonym is None:
        type_id = USER_TYPES.get(event.actor_kind, 0)
        return {"name": event.actor_kind, "type_id": type_id}
    type_id = USER_TYPES.get(event.actor_kind, OTHER)
    found: Document = {"uid": str(event.actor_pseudonym), "type_id": type_id}
    return {**found, **_given(name=read.actor_name)}


def _user_concerned(read: ReadEvent) -> Document:
    if read.event.subject_pseudonym is None:
        return _actor_user(read)
    found: Document = {"uid": str(read.event.subject_pseudonym), "type_id": 1}
    return {**found, **_given(name=read.subject_name)}


def _resources(event: Event) -> Json:
    if not event.resource_type:
        return []
    return [{"type": event.resource_type, **_given(uid=event.resource_id)}]


def _unmapped(read: ReadEvent) -> Document:
    event = read.event
    digests = {
        name: bytes(value).hex()
        for name in ("network_hash", "device_hash")
        if (value := getattr(event, name)) is not None
    }
    return {
        "outcome": event.outcome,
        "actor_kind": event.actor_kind,
        "channel": event.channel,
        **_given(
            classification=event.classification,
            result_count=event.result_count,
            details=dict(read.details),
            subject_details=dict(read.subject_details),
        ),
        **digests,
    }


def _given(**values: Json) -> Document:
    """Return the values that say something."""
    return {k: v for k, v in values.items() if v is not None and v not in ("", {})}


def _description(event_type: str) -> str:
    known = event_types().get(event_type)
    return (known.description if known else "") or event_type


def _milliseconds(at: datetime) -> int:
    return (at - EPOCH) // MILLISECOND


_OWN: Final[Mapping[OcsfClass, Callable[[ReadEvent, Kind], Document]]] = {
    OcsfClass.DETECTION_FINDING: _finding,
    OcsfClass.INCIDENT_FINDING: _incident,
    OcsfClass.ACCOUNT_CHANGE: _account,
    OcsfClass.AUTHENTICATION: _authentication,
    OcsfClass.ENTITY_MANAGEMENT: _entity,
    OcsfClass.USER_ACCESS: _user_access,
    OcsfClass.API_ACTIVITY: _api,
    OcsfClass.DATASTORE_ACTIVITY: _datastore,
    OcsfClass.APPLICATION_ERROR: _error,
}

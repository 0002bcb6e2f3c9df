"""How one event reads as JSON: the reference chapter's log shapes, field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Final, NamedTuple

from auditlog.models import Event
from chatsec.core.errors import Json

Document = Mapping[str, Json]


class ReadEvent(NamedTuple):
    """An event with what of it still opens, and the names behind its pseudonyms."""

    event: Event
    details: Document
    subject_details: Document
    actor_name: str | None
    subject_name: str | None


def describe_read(read: ReadEvent) -> dict[str, Json]:
    """Return the event in its shape; a field whose key was destroyed is None."""
    event = read.event
    shape = _SHAPES.get(event.event_type, _other)
    return {
        "event_type": event.event_type,
        "timestamp": event.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **shape(read),
    }


def actor_pseudonym(event: Event) -> str | None:
    """Return the pseudonym that the shapes call `user_id`."""
    return str(event.actor_pseudonym) if event.actor_pseudonym else None


def session_label(event: Event) -> str | None:
    """Return a stable name of the session that leads to no session."""
    if event.session_hash is None:
        return None
    return f"sess_{bytes(event.session_hash).hex()}"


def _chatbot_query(read: ReadEvent) -> dict[str, Json]:
    details = read.details
    return {
        "user_id": actor_pseudonym(read.event),
        "session_id": details.get("session_id") or session_label(read.event),
        "intent": details.get("intent"),
        "query_type": details.get("query_type"),
        "execution_time_ms": details.get("execution_time_ms"),
        "status": details.get("status", read.event.outcome),
    }


def _authorization_check(read: ReadEvent) -> dict[str, Json]:
    granted = "granted" if read.event.outcome == "success" else read.event.outcome
    return {
        "user_id": actor_pseudonym(read.event),
        "required_permission": read.details.get("required_permission"),
        "result": read.details.get("result", granted),
        "roles": read.details.get("roles"),
    }


def _authorization_denied(read: ReadEvent) -> dict[str, Json]:
    return {
        "user_id": actor_pseudonym(read.event),
        "required_permission": read.details.get("required_permission"),
        "result": read.details.get("result", "denied"),
        "reason": read.details.get("reason"),
    }


def _data_access(read: ReadEvent) -> dict[str, Json]:
    return {
        "user_id": actor_pseudonym(read.event),
        "resource_type": read.event.resource_type,
        "resource_ids": read.details.get("resource_ids"),
        "action": read.details.get("action"),
        "result_count": read.event.result_count,
        "data_classification": read.event.classification,
    }


def _error(read: ReadEvent) -> dict[str, Json]:
    return {
        "user_id": actor_pseudonym(read.event),
        "error_type": read.details.get("error_type"),
        "error_message": read.details.get("error_message"),
        "stack_trace": read.details.get("stack_trace"),
        "query": read.details.get("query"),
    }


def _security_alert(read: ReadEvent) -> dict[str, Json]:
    about = read.event.subject_pseudonym or read.event.actor_pseudonym
    return {
        "alert_type": read.details.get("alert_type"),
        "user_id": str(about) if about else None,
        "failure_count": read.details.get("failure_count"),
        "time_window_minutes": read.details.get("time_window_minutes"),
        "action_taken": read.details.get("action_taken"),
    }


def _other(read: ReadEvent) -> dict[str, Json]:
    event = read.event
    return {
        "user_id": actor_pseudonym(event),
        "outcome": event.outcome,
        "resource_type": event.resource_type,
        "resource_id": event.resource_id,
    }


_SHAPES: Final[Mapping[str, Callable[[ReadEvent], dict[str, Json]]]] = {
    "chatbot_query": _chatbot_query,
    "authorization_check": _authorization_check,
    "authorization_denied": _authorization_denied,
    "data_access": _data_access,
    "error": _error,
    "security_alert": _security_alert,
}


def row_of(read: ReadEvent) -> dict[str, Json]:
    """Return the chapter's shape and, beside it, what every event has."""
    event = read.event
    return {
        "id": str(event.event_id),
        **describe_read(read),
        "actor_name": read.actor_name,
        "subject_name": read.subject_name,
        "actor_kind": event.actor_kind,
        "category": event.category,
        "severity": event.severity,
        "outcome": event.outcome,
        "channel": event.channel,
        "country": event.country or "",
        "request_id": event.request_id,
        "resource_type": event.resource_type,
        "resource_id": event.resource_id,
        "redacted": event.redacted,
        "expires_at": event.expires_at.isoformat(),
    }


def detail_of(read: ReadEvent) -> dict[str, Json]:
    """Return the row with the opened details."""
    return {
        **row_of(read),
        "details": dict(read.details),
        "subject_details": dict(read.subject_details),
    }

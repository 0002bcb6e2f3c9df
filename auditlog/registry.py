"""Every kind of event that can be written: without registration, no object to pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from auditlog.constants import CATEGORIES, SEVERITIES, Category, Severity

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event: its category decides where it lives and how long."""

    name: str
    category: Category
    severity: Severity = "info"
    # The act itself must not happen when its event cannot be written.
    fail_closed: bool = False
    description: str = ""


_registered: dict[str, EventType] = {}


def register(
    name: str,
    *,
    category: Category,
    severity: Severity = "info",
    fail_closed: bool = False,
    description: str = "",
) -> EventType:
    """Return the one EventType of this name; a second registration is an error."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: event types are named app.object_past")
    if name in _registered:
        raise ValueError(f"{name}: this event type is registered already")
    if category not in CATEGORIES or severity not in SEVERITIES:
        raise ValueError(f"{name}: unknown category or severity")
    event_type = EventType(name, category, severity, fail_closed, description)
    _registered[name] = event_type
    return event_type


def event_types() -> Mapping[str, EventType]:
    """Return all registered event types by name."""
    return MappingProxyType(_registered)


def is_registered(event_type: EventType) -> bool:
    """Whether this very object came out of `register`."""
    return _registered.get(event_type.name) is event_type

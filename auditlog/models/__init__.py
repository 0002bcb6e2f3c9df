"""The event log, its seals, the alerts raised on it, and incidents."""

from __future__ import annotations

from auditlog.models.alert import Alert
from auditlog.models.event import Event
from auditlog.models.incident import Incident, IncidentEntry
from auditlog.models.route import Delivery, Route
from auditlog.models.saved_search import SavedSearch
from auditlog.models.seal import Anchor, Seal
from auditlog.models.stream import EventStream

__all__ = [
    "Alert",
    "Anchor",
    "Delivery",
    "Event",
    "EventStream",
    "Incident",
    "IncidentEntry",
    "Route",
    "SavedSearch",
    "Seal",
]

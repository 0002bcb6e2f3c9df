"""The event log, its seals, and the alerts raised on it."""

from __future__ import annotations

from auditlog.models.alert import Alert
from auditlog.models.event import Event
from auditlog.models.seal import Anchor, Seal

__all__ = ["Alert", "Anchor", "Event", "Seal"]

"""Alerts become incidents, and people deal with them.

Detection calls `take_alert` and `alert_grew`; pages and the API call the rest.
"""

from __future__ import annotations

from auditlog.services.incidents.handling import acknowledge, add_note, resolve
from auditlog.services.incidents.opening import alert_grew, take_alert

__all__ = ["acknowledge", "add_note", "alert_grew", "resolve", "take_alert"]

"""Alerts become incidents, and people deal with them.

Detection takes its turn before it looks at alerts, and then calls `take_alert` and
`alert_grew`; pages and the API call the rest.
"""

from __future__ import annotations

from auditlog.services.incidents.handling import (
    acknowledge,
    add_note,
    note_export,
    resolve,
)
from auditlog.services.incidents.opening import (
    alert_grew,
    alert_spread,
    take_alert,
)
from auditlog.services.incidents.turns import take_turn

__all__ = [
    "acknowledge",
    "add_note",
    "alert_grew",
    "alert_spread",
    "note_export",
    "resolve",
    "take_alert",
    "take_turn",
]

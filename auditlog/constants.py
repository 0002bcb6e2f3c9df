"""Categories of events, how long each is kept, and the detection floor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, get_args

Category = Literal[
    "access", "authorization", "data_access", "audit", "error", "security"
]
Outcome = Literal["success", "failure", "denied", "error"]
Severity = Literal["info", "notice", "warning", "error", "critical"]
AlertState = Literal["open", "acknowledged", "resolved"]

CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
SEAL_KINDS: Final = (
    "events",
    "heartbeat",
    "swept",
    "pruned",
    "epoch",
    "key",
)
ALERT_STATES: Final[tuple[AlertState, ...]] = get_args(AlertState)

# The reference chapter's log classes; authorization and data access are audit logs.
# The database holds the same numbers in audit_retention_days(): a test compares them.
RETENTION_DAYS: Final[Mapping[Category, int]] = {
    "access": 90,
    "authorization": 2555,
    "data_access": 2555,
    "audit": 2555,
    "error": 180,
    "security": 730,
}

SCHEMA_VERSION: Final = 2
MAX_DETAILS_BYTES: Final = 16 * 1024
MAX_CLEAR_TEXT: Final = 200
PARTITION_MONTHS_AHEAD: Final = 6

SEAL_EVENTS: Final = 20_000
HEARTBEAT: Final = timedelta(minutes=1)
# Without a seal for so long the installation counts as not ready.
SEALER_PATIENCE: Final = timedelta(minutes=3)

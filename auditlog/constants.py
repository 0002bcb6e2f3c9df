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
Verdict = Literal["true_positive", "false_positive", "benign"]
EntryKind = Literal[
    "opened",
    "alert",
    "escalated",
    "note",
    "acknowledged",
    "resolved",
    "reopened",
    "notified",
    "exported",
]

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
# An alert is as far as the incident that it belongs to.
INCIDENT_STATES: Final = ALERT_STATES
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
ENTRY_KINDS: Final[tuple[EntryKind, ...]] = get_args(EntryKind)
Channel = Literal["mail", "slack", "webhook"]
DeliveryState = Literal["pending", "sent", "given_up"]
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
DELIVERY_STATES: Final[tuple[DeliveryState, ...]] = get_args(DeliveryState)
# Twelve tries take about six hours; what is not there by then is given up, loudly.
DELIVERY_TRIES: Final = 12
DELIVERY_FIRST_PAUSE: Final = timedelta(seconds=30)
DELIVERY_LONGEST_PAUSE: Final = timedelta(hours=1)
DELIVERY_LEASE: Final = timedelta(minutes=2)
DELIVERY_BATCH: Final = 50
# Between two messages about one incident to one route; what comes meanwhile is one.
DELIVERY_DIGEST: Final = timedelta(minutes=15)
# Alerts about somebody within this time of an incident about him belong to it.
INCIDENT_WINDOW: Final = timedelta(hours=24)
MAX_NOTE: Final = 4000

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

# So many refusals of one person within the window are events of their own; further ones
# are answered 429, and stand in one event a minute.
DENIALS_EACH: Final = 30
DENIALS_WINDOW: Final = timedelta(minutes=5)
DENIALS_TOGETHER: Final = timedelta(minutes=1)

SCHEMA_VERSION: Final = 2
MAX_DETAILS_BYTES: Final = 16 * 1024
MAX_CLEAR_TEXT: Final = 200
PARTITION_MONTHS_AHEAD: Final = 6

SEAL_EVENTS: Final = 20_000
HEARTBEAT: Final = timedelta(minutes=1)
# Without a seal for so long the installation counts as not ready.
SEALER_PATIENCE: Final = timedelta(minutes=3)

RuleKind = Literal[
    "event_count",
    "value_count",
    "value_sum",
    "temporal_ordered",
    "new_value",
    "baseline",
    "off_hours",
    "drift",
    "dormant",
    "surprise",
    "risk",
]
RuleGroup = Literal["actor", "subject", "network", "everyone"]
Metric = Literal["queries", "records", "resources", "denials", "failures"]
RULE_KINDS: Final[tuple[RuleKind, ...]] = get_args(RuleKind)
RULE_GROUPS: Final[tuple[RuleGroup, ...]] = get_args(RuleGroup)
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
# Parts of the week that people differ in, in the installation's time zone; and "day",
# the whole of one.
HOUR_CLASSES: Final = ("work", "evening", "night", "weekend", "day")

# How late an event may be committed, and clocks may differ, and still be seen.
SCAN_SLACK: Final = timedelta(minutes=15)
# A rule that never ran looks back so far, and none looks back further than the other.
FIRST_SCAN: Final = timedelta(hours=1)
LONGEST_SCAN: Final = timedelta(days=8)
LONGEST_WINDOW: Final = timedelta(days=90)
LONGEST_EXCEPTION: Final = timedelta(days=366)
# What events call a rule: by it all changes are found, those of exceptions too.
RULE_RESOURCE: Final = "auditlog.DetectionRule"
# A rule that failed so often in a row raises an alert itself.
FAILURES_TO_ALERT: Final = 5
RISK_WINDOW: Final = timedelta(hours=24)
# What the baselines are made from, and how long activity is kept for it.
BASELINE_DAYS: Final = 28
ACTIVITY_DAYS: Final = 180
# How long a network stays known after its last use, and is kept; how much history there
# must be before anything is unknown; how many people make a network everybody's.
PLACE_DAYS: Final = 30
PLACES_KEPT_DAYS: Final = 90
PLACES_SETTLE: Final = timedelta(days=7)
SHARED_BY: Final = 3
# From so many samples on, a baseline is the person's own; below, partly everybody's.
OWN_SAMPLES: Final = 14

# In what a day can be unlike somebody's own past, and what else is counted for it.
Aspect = Literal["reads", "refusals", "hours", "acts"]
ASPECTS: Final[tuple[Aspect, ...]] = get_args(Aspect)
COUNTED: Final = (*ASPECTS, "given")
# The days that are taken together, up to each day: a burst, and what stays below it.
SURPRISE_SPANS: Final = (1, 3, 7)
# The newest days are not among the past that they are compared with.
SURPRISE_GAP: Final = 7
SURPRISE_PAST: Final = 28

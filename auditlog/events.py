"""The reference chapter's event types, and the audit log's own."""

from __future__ import annotations

from auditlog.registry import register

CHATBOT_QUERY = register(
    "chatbot_query",
    category="access",
    description="A message was sent to the chatbot",
)
AUTHORIZATION_CHECK = register(
    "authorization_check",
    category="authorization",
    fail_closed=True,
    description="A permission was asked for and granted",
)
AUTHORIZATION_DENIED = register(
    "authorization_denied",
    category="authorization",
    severity="warning",
    description="A permission was asked for and refused",
)
DATA_ACCESS = register(
    "data_access",
    category="data_access",
    fail_closed=True,
    description="Business records were read or changed",
)
ERROR = register(
    "error",
    category="error",
    severity="error",
    description="Something failed that nobody foresaw",
)
SECURITY_ALERT = register(
    "security_alert",
    category="security",
    severity="critical",
    description="A detection rule fired",
)
EVENTS_READ = register(
    "auditlog.events_read",
    category="audit",
    fail_closed=True,
    description="Somebody searched the audit log",
)
EVENT_READ = register(
    "auditlog.event_read",
    category="audit",
    fail_closed=True,
    description="Somebody opened one event with its details",
)
ALERTS_READ = register(
    "auditlog.alerts_read",
    category="audit",
    fail_closed=True,
    description="Somebody listed the alerts",
)
# Written by the database function that drops the partition, in the same transaction.
PARTITION_PRUNED = register(
    "auditlog.partition_pruned",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="A partition past its retention was dropped",
)

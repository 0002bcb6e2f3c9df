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
DENIALS_LEFT_OUT = register(
    "authorization_denials_left_out",
    category="authorization",
    severity="warning",
    description="Refused too often to be answered; result_count says how many requests",
)
CROSS_SITE_DENIED = register(
    "authorization_denied_cross_site",
    category="authorization",
    severity="notice",
    description="Another site made a browser ask for what its person may not have",
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
INCIDENT_OPENED = register(
    "auditlog.incident_opened",
    category="security",
    severity="warning",
    fail_closed=True,
    description="Alerts about somebody became an incident",
)
INCIDENT_REOPENED = register(
    "auditlog.incident_reopened",
    category="security",
    severity="warning",
    fail_closed=True,
    description="What an incident was about went on after it was resolved",
)
INCIDENT_ACKNOWLEDGED = register(
    "auditlog.incident_acknowledged",
    category="security",
    fail_closed=True,
    description="Somebody took an incident on",
)
INCIDENT_RESOLVED = register(
    "auditlog.incident_resolved",
    category="security",
    fail_closed=True,
    description="Somebody closed an incident with a verdict",
)
INCIDENT_NOTED = register(
    "auditlog.incident_noted",
    category="security",
    fail_closed=True,
    description="Somebody wrote a note on an incident",
)
INCIDENTS_READ = register(
    "auditlog.incidents_read",
    category="audit",
    fail_closed=True,
    description="Somebody listed the incidents",
)
INCIDENT_READ = register(
    "auditlog.incident_read",
    category="audit",
    fail_closed=True,
    description="Somebody opened an incident with its notes",
)
PERSON_READ = register(
    "auditlog.person_read",
    category="audit",
    fail_closed=True,
    description="Somebody looked at all that the log knows of one person",
)
ROUTE_CHANGED = register(
    "auditlog.route_changed",
    category="security",
    severity="notice",
    fail_closed=True,
    description="Somebody changed who is told of incidents",
)
ROUTE_TESTED = register(
    "auditlog.route_tested",
    category="security",
    fail_closed=True,
    description="Somebody sent a test message to those who are told of incidents",
)
MESSAGE_GIVEN_UP = register(
    "auditlog.message_given_up",
    category="security",
    severity="error",
    fail_closed=True,
    description="A message about an incident did not arrive and is tried no more",
)
SPOOL_REPLAYED = register(
    "auditlog.spool_replayed",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="Events that waited on disk for the database were written",
)
# Written by the database function that drops the partition, in the same transaction.
PARTITION_PRUNED = register(
    "auditlog.partition_pruned",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="A partition past its retention was dropped",
)
EVENTS_COUNTED = register(
    "auditlog.events_counted",
    category="audit",
    fail_closed=True,
    description="Somebody asked how many events there were",
)
EXPORT_STARTED = register(
    "auditlog.export_started",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="Somebody began to take events out of the log",
)
EXPORT_ENDED = register(
    "auditlog.export_ended",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="An export of events came to its end, whole or not",
)
EVIDENCE_EXPORTED = register(
    "auditlog.evidence_exported",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="Somebody took an incident out of the log, with proofs for outsiders",
)
SEARCH_SAVED = register(
    "auditlog.search_saved",
    category="audit",
    fail_closed=True,
    description="Somebody saved a search",
)
SEARCH_DELETED = register(
    "auditlog.search_deleted",
    category="audit",
    fail_closed=True,
    description="Somebody deleted a search of his own",
)
TAIL_OPENED = register(
    "auditlog.tail_opened",
    category="audit",
    fail_closed=True,
    description="Somebody began to watch events as they are sealed",
)
TAIL_READ = register(
    "auditlog.tail_read",
    category="audit",
    fail_closed=True,
    description="How many events somebody watched in the last minute",
)
STREAM_CHANGED = register(
    "auditlog.stream_changed",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="A stream of events to another system was set up or changed",
)
STREAM_FAILING = register(
    "auditlog.stream_failing",
    category="security",
    severity="warning",
    description="A stream of events has not been delivered for some time",
)
RULE_CREATED = register(
    "auditlog.rule_created",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="A detection rule was made",
)
RULE_CHANGED = register(
    "auditlog.rule_changed",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="A detection rule was changed or switched on",
)
RULE_DISABLED = register(
    "auditlog.rule_disabled",
    category="audit",
    severity="warning",
    fail_closed=True,
    description="A detection rule was switched off",
)
RULE_DELETED = register(
    "auditlog.rule_deleted",
    category="audit",
    severity="warning",
    fail_closed=True,
    description="A detection rule was deleted",
)
EXCEPTION_MADE = register(
    "auditlog.exception_made",
    category="audit",
    severity="warning",
    fail_closed=True,
    description="Something was exempted from a detection rule for a while",
)
EXCEPTION_APPROVED = register(
    "auditlog.exception_approved",
    category="audit",
    severity="warning",
    fail_closed=True,
    description="A second person approved an exception from a floor rule",
)
EXCEPTION_ENDED = register(
    "auditlog.exception_ended",
    category="audit",
    severity="notice",
    fail_closed=True,
    description="An exception from a detection rule was taken back",
)
RULE_TRIED = register(
    "auditlog.rule_tried",
    category="audit",
    fail_closed=True,
    description="Somebody looked at what a rule would have found",
)
RULE_FAILED = register(
    "auditlog.rule_failed",
    category="error",
    severity="error",
    description="A detection rule could not be run",
)
LOG_CHECKED = register(
    "auditlog.log_checked",
    category="audit",
    severity="notice",
    description="The log was compared with its seals; a failure is a difference",
)

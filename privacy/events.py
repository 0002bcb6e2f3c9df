"""What the privacy app leaves as evidence."""

from auditlog.registry import register

CONSENT_GIVEN = register(
    "privacy.consent_given", category="audit", description="A person consented."
)
CONSENT_WITHDRAWN = register(
    "privacy.consent_withdrawn",
    category="audit",
    description="A person withdrew a consent; effective at once.",
)
DATA_COLLECTED = register(
    "privacy.data_collected",
    category="access",
    description="Personal data was collected, for a purpose and on a lawful basis.",
)
NOTICE_PUBLISHED = register(
    "privacy.notice_published",
    category="audit",
    description="A new version of the privacy notice holds.",
)
REQUEST_OPENED = register(
    "privacy.request_opened",
    category="audit",
    description="A person made use of a right under data protection law.",
)
IDENTITY_NOT_PROVEN = register(
    "privacy.identity_not_proven",
    category="security",
    severity="warning",
    description="A privacy request was refused: the password was wrong.",
)
REQUEST_CANCELLED = register(
    "privacy.request_cancelled",
    category="audit",
    description="The person took the request back.",
)
REQUEST_RESOLVED = register(
    "privacy.request_resolved",
    category="audit",
    description="An administrator answered or refused a request.",
)
REQUEST_RETRIED = register(
    "privacy.request_retried",
    category="audit",
    description="An administrator had a request that stopped tried again.",
)
REQUEST_FAILED = register(
    "privacy.request_failed",
    category="error",
    severity="error",
    description="A request could not be carried out and waits for an administrator.",
)
EXPORT_READY = register(
    "privacy.export_ready",
    category="audit",
    description="A person's data was exported to an encrypted file.",
)
EXPORT_DOWNLOADED = register(
    "privacy.export_downloaded",
    category="data_access",
    fail_closed=True,
    description="A person fetched the export.",
)
RETENTION_APPLIED = register(
    "privacy.retention_applied",
    category="audit",
    description="Data past its retention was deleted.",
)
HOLD_PLACED = register(
    "privacy.hold_placed",
    category="audit",
    severity="notice",
    description="A person's data must not be deleted.",
)
HOLD_RELEASED = register(
    "privacy.hold_released",
    category="audit",
    severity="notice",
    description="A person's data may be deleted again.",
)
REGISTER_CHANGED = register(
    "privacy.register_changed",
    category="audit",
    severity="notice",
    description="A purpose was reworded or a retention period changed.",
)

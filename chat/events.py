"""What the chat writes to the audit log, besides the types every app shares."""

from auditlog.registry import register

CATALOGUE_CHANGED = register(
    "chat.catalogue_changed",
    category="audit",
    description="A query, dataset or data source of the catalogue was changed.",
)
CONVERSATION_DELETED = register(
    "chat.conversation_deleted",
    category="audit",
    description="An owner deleted a conversation and its messages.",
)
MESSAGE_BLOCKED = register(
    "chat.message_blocked",
    category="security",
    severity="warning",
    description="A message was not processed because it looked like an attack.",
)
ACTION_RECORDED = register(
    "chat.action_recorded",
    category="data_access",
    fail_closed=True,
    description="An action was recorded on behalf of a user.",
)
SHARED_CONVERSATION_READ = register(
    "chat.shared_conversation_read",
    category="data_access",
    fail_closed=True,
    description="Somebody read a conversation that a colleague shared.",
)

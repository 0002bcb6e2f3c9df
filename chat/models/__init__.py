"""What the chat keeps: the catalogue, conversations, and what waits for an answer."""

from chat.models.catalogue import Dataset, DataSource, QueryDefinition, QueryKind
from chat.models.conversations import (
    Conversation,
    Message,
    MessageRole,
    MessageStatus,
)
from chat.models.knowledge import INTERNAL, PUBLIC_ANSWERS, Article, KnowledgeCollection
from chat.models.ledger import ReleasedGroup
from chat.models.pending import (
    IdempotencyRecord,
    PendingKind,
    PendingQuestion,
    RecordedAction,
)
from chat.models.permissions import (
    CollectionGroupPermission,
    CollectionUserPermission,
    ConversationGroupPermission,
    ConversationUserPermission,
    QueryGroupPermission,
    QueryUserPermission,
)

__all__ = [
    "INTERNAL",
    "PUBLIC_ANSWERS",
    "Article",
    "CollectionGroupPermission",
    "CollectionUserPermission",
    "Conversation",
    "ConversationGroupPermission",
    "ConversationUserPermission",
    "DataSource",
    "Dataset",
    "IdempotencyRecord",
    "KnowledgeCollection",
    "Message",
    "MessageRole",
    "MessageStatus",
    "PendingKind",
    "PendingQuestion",
    "QueryDefinition",
    "QueryGroupPermission",
    "QueryKind",
    "QueryUserPermission",
    "RecordedAction",
    "ReleasedGroup",
]

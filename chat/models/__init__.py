"""What the chat keeps: the catalogue, conversations, and what waits for an answer."""

from chat.models.catalogue import Dataset, DataSource, QueryDefinition, QueryKind
from chat.models.conversations import (
    Conversation,
    Message,
    MessageRole,
    MessageStatus,
)
from chat.models.knowledge import Article
from chat.models.pending import (
    IdempotencyRecord,
    PendingKind,
    PendingQuestion,
    RecordedAction,
)

__all__ = [
    "Article",
    "Conversation",
    "DataSource",
    "Dataset",
    "IdempotencyRecord",
    "Message",
    "MessageRole",
    "MessageStatus",
    "PendingKind",
    "PendingQuestion",
    "QueryDefinition",
    "QueryKind",
    "RecordedAction",
]

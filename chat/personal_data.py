"""What the chat holds on a person, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from chat import sealing
from chat.constants import ANSWERING_PURPOSE
from chat.models import (
    CollectionUserPermission,
    Conversation,
    ConversationUserPermission,
    Message,
    PendingQuestion,
    QueryUserPermission,
    RecordedAction,
    ReleasedGroup,
)
from chat.selectors.conversations import title_of
from chatsec.core.errors import Json
from chatsec.core.personal_data import Declaration, declare, not_personal

CHUNK: Final = 500
CHAT_LOGS: Final = "chat_logs"


def export_conversations(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the subject's conversations."""
    rows = Conversation.objects.filter(owner_id=subject_id).order_by("id")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "title": title_of(row),
            "channel": row.channel,
            "created_at": row.created_at.isoformat(),
            "last_message_at": row.last_message_at.isoformat(),
        }


def export_messages(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield what the subject asked and was told, without company figures.

    Figures are released anew at every reading; an export has no reader to ask about.
    """
    rows = Message.objects.filter(conversation__owner_id=subject_id).order_by("id")
    for row in rows.iterator(chunk_size=CHUNK):
        place = sealing.message_place("text", row.id)
        yield {
            "id": str(row.id),
            "conversation": str(row.conversation_id),
            "role": row.role,
            "status": row.status,
            "text": sealing.open_text(subject_id, row.text_sealed, place=place),
            "query": row.query,
            "row_count": row.row_count,
            "created_at": row.created_at.isoformat(),
        }


def export_actions(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the actions that the subject ordered."""
    rows = RecordedAction.objects.filter(actor_id=subject_id).order_by("id")
    for row in rows.iterator(chunk_size=CHUNK):
        place = sealing.action_place(row.id)
        yield {
            "id": str(row.id),
            "query": row.query,
            "parameters": sealing.open_json(
                subject_id, row.parameters_sealed, place=place
            ),
            "created_at": row.created_at.isoformat(),
        }


def export_pending(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield the questions that wait for the subject."""
    rows = PendingQuestion.objects.filter(user_id=subject_id).order_by("id")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "kind": row.kind,
            "created_at": row.created_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
        }


def export_released_groups(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
    """Yield when the subject was shown figures of groups, and of how many people.

    The rest are digests under a key that no file has.
    """
    rows = ReleasedGroup.objects.filter(user_id=subject_id).order_by("id")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "persons": row.persons,
            "released_at": row.released_at.isoformat(),
        }


def expire_messages(before: datetime, held: frozenset[UUID]) -> int:
    """Delete messages older than `before`, in batches, but nobody's under a hold."""
    return _in_batches(_old_messages(before, held))


def expire_conversations(before: datetime, held: frozenset[UUID]) -> int:
    """Delete conversations in which nothing was said since `before`."""
    return _in_batches(_old_conversations(before, held))


def _old_messages(before: datetime, held: frozenset[UUID]) -> QuerySet[Message]:
    rows = Message.objects.filter(created_at__lt=before)
    return rows.exclude(conversation__owner_id__in=held)


def _old_conversations(
    before: datetime, held: frozenset[UUID]
) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(last_message_at__lt=before)
    return rows.exclude(owner_id__in=held)


def _in_batches(rows: QuerySet[Message] | QuerySet[Conversation]) -> int:
    """Delete in the order of the key, so that no batch reads what is deleted."""
    deleted = 0
    after = UUID(int=0)
    while ids := list(
        rows.filter(id__gt=after).order_by("id").values_list("id", flat=True)[:CHUNK]
    ):
        after = ids[-1]
        deleted += _delete_if_still(rows.filter(id__in=ids))
    return deleted


def _delete_if_still(rows: QuerySet[Message] | QuerySet[Conversation]) -> int:
    """Delete what still belongs to `rows` once nobody is using it any more."""
    with transaction.atomic():
        locked = rows.select_for_update(of=("self",)).only("id")
        ids = [row.id for row in locked]
        rows.model._default_manager.filter(id__in=ids).delete()  # noqa: SLF001 - Django's name for it
    return len(ids)


declare(
    Declaration(
        model="chat.Message",
        holds="What you asked and what was answered",
        part="conversation_history",
        purposes=(ANSWERING_PURPOSE,),
        export=export_messages,
        erase=lambda subject_id: Message.objects.filter(
            conversation__owner_id=subject_id
        ).delete()[0],
        retention=CHAT_LOGS,
        expire=expire_messages,
        count_expired=lambda before, held: _old_messages(before, held).count(),
    )
)
declare(
    Declaration(
        model="chat.Conversation",
        holds="Your conversations and their titles",
        part="conversation_history",
        purposes=(ANSWERING_PURPOSE,),
        export=export_conversations,
        erase=lambda subject_id: Conversation.objects.filter(
            owner_id=subject_id
        ).delete()[0],
        retention=CHAT_LOGS,
        expire=expire_conversations,
        count_expired=lambda before, held: _old_conversations(before, held).count(),
    )
)
declare(
    Declaration(
        model="chat.PendingQuestion",
        holds="Questions that wait for a code or an answer of yours",
        part="conversation_history",
        purposes=(ANSWERING_PURPOSE,),
        export=export_pending,
        erase=lambda subject_id: PendingQuestion.objects.filter(
            user_id=subject_id
        ).delete()[0],
        retention=CHAT_LOGS,
    )
)
declare(
    Declaration(
        model="chat.RecordedAction",
        holds="Actions that you ordered, like an approved discount",
        part="query_analytics",
        purposes=(ANSWERING_PURPOSE,),
        export=export_actions,
        erase=lambda subject_id: RecordedAction.objects.filter(
            actor_id=subject_id
        ).delete()[0],
    )
)


def _declare_held(
    model: type[ConversationUserPermission]
    | type[QueryUserPermission]
    | type[CollectionUserPermission],
    *,
    holds: str,
    name: str,
) -> None:
    """Declare a table of what people may do with single objects."""

    def export(subject_id: UUID) -> Iterator[Mapping[str, Json]]:
        rows = model.objects.filter(user_id=subject_id).order_by("pk")
        found = rows.values_list("permission__codename", "content_object_id", name)
        for codename, object_id, named in found.iterator(chunk_size=CHUNK):
            yield {
                "permission": codename,
                "object_id": str(object_id),
                "object": str(named),
            }

    def erase(subject_id: UUID) -> int:
        return model.objects.filter(user_id=subject_id).delete()[0]

    declare(
        Declaration(
            model=model._meta.label,  # noqa: SLF001 - documented model API
            holds=holds,
            part="personal_info",
            purposes=("account",),
            export=export,
            erase=erase,
        )
    )


_declare_held(
    ConversationUserPermission,
    holds="Conversations of colleagues that you were let in to read",
    name="content_object_id",
)
_declare_held(
    QueryUserPermission,
    holds="Questions that you, in person, were allowed to ask",
    name="content_object__key",
)
_declare_held(
    CollectionUserPermission,
    holds="Collections of articles that were opened to you in person",
    name="content_object__name",
)
not_personal(
    "chat.ConversationGroupPermission",
    "chat.QueryGroupPermission",
    "chat.CollectionGroupPermission",
    reason="Name roles, not people",
)
declare(
    Declaration(
        model="chat.ReleasedGroup",
        holds="Of which groups you were shown figures in the last day, as digests",
        part="query_analytics",
        purposes=(ANSWERING_PURPOSE,),
        export=export_released_groups,
        erase=lambda subject_id: ReleasedGroup.objects.filter(
            user_id=subject_id
        ).delete()[0],
        retention=CHAT_LOGS,
    )
)
not_personal(
    "chat.IdempotencyRecord",
    reason="digests of a key and a body; deleted with the conversation, or after a day",
)
not_personal(
    "chat.DataSource",
    "chat.Dataset",
    "chat.QueryDefinition",
    "chat.QueryDefinition_datasets",
    "chat.Article",
    "chat.KnowledgeCollection",
    reason="the company's catalogue and knowledge base",
)

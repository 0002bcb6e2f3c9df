"""Reads of conversations: one's own and shared ones, NotFound for all others."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from chat import sealing
from chat.models import Conversation, ConversationUserPermission, Message
from chatsec.core.context import Actor
from chatsec.core.errors import NotFound
from rbac.services import objects_given

VIEW_CONVERSATION: Final = "chat.view_conversation"


def list_conversations(actor: Actor) -> QuerySet[Conversation]:
    """Return what the actor may read, his own and what is shared with him."""
    if actor.id is None:
        return Conversation.objects.none()
    # As a union, so that either part is found by its index.
    own = Conversation.objects.filter(owner_id=actor.id).order_by().values("pk")
    shared = objects_given(actor, VIEW_CONVERSATION, Conversation.objects.order_by())
    ids = own.union(shared.values("pk"), all=True)
    return Conversation.objects.filter(pk__in=ids)


def get_conversation(actor: Actor, conversation_id: UUID) -> Conversation:
    """Return the actor's own conversation; raise NotFound for any other."""
    own = Conversation.objects.filter(owner_id=actor.id, id=conversation_id)
    return _found(own if actor.id is not None else own.none())


def get_readable_conversation(actor: Actor, conversation_id: UUID) -> Conversation:
    """Return a conversation of his own or shared with him; raise NotFound."""
    return _found(list_conversations(actor).filter(id=conversation_id))


def _found(rows: QuerySet[Conversation]) -> Conversation:
    found = rows.first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def with_readers(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Return the rows with their owners and readers at hand."""
    readers = ConversationUserPermission.objects.select_related("user")
    shared = Prefetch("conversationuserpermission_set", queryset=readers)
    return rows.select_related("owner").prefetch_related(shared)


def list_readers(conversation: Conversation) -> list[User]:
    """Return with whom the conversation is shared, by name."""
    rows = conversation.conversationuserpermission_set.all()
    people = {row.user for row in rows}
    return sorted(people, key=lambda one: one.username)


def list_messages(conversation: Conversation) -> QuerySet[Message]:
    """Return the messages in the order in which they were said."""
    return conversation.messages.order_by("position")


def list_own_messages(actor: Actor) -> QuerySet[Message]:
    """Return every message of the actor's own conversations, the latest first."""
    if actor.id is None:
        return Message.objects.none()
    own = Message.objects.filter(conversation__owner_id=actor.id)
    return own.select_related("conversation").order_by("-created_at", "-position")


def title_of(conversation: Conversation) -> str:
    """Return the opened title, or nothing."""
    if conversation.title_sealed is None:
        return ""
    place = sealing.title_place(conversation.id)
    return sealing.open_text(
        conversation.owner_id, conversation.title_sealed, place=place
    )

"""Reads of conversations: the owner's own, and NotFound for everybody else's."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from chat import sealing
from chat.models import Conversation, Message
from chatsec.core.context import Actor
from chatsec.core.errors import NotFound


def list_conversations(actor: Actor) -> QuerySet[Conversation]:
    """Return the actor's conversations, the latest first."""
    if actor.id is None:
        return Conversation.objects.none()
    return Conversation.objects.filter(owner_id=actor.id)


def get_conversation(actor: Actor, conversation_id: UUID) -> Conversation:
    """Return the actor's own conversation; raise NotFound for any other."""
    found = list_conversations(actor).filter(id=conversation_id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def list_messages(conversation: Conversation) -> QuerySet[Message]:
    """Return the messages in the order in which they were said."""
    return conversation.messages.order_by("position")


def title_of(conversation: Conversation) -> str:
    """Return the opened title, or nothing."""
    if conversation.title_sealed is None:
        return ""
    place = sealing.title_place(conversation.id)
    return sealing.open_text(
        conversation.owner_id, conversation.title_sealed, place=place
    )

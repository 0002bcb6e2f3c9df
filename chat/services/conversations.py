"""Starting, naming and deleting conversations."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.services import Target, record
from chat import events, sealing
from chat.constants import CHAT_LOG_DAYS, LOGIN_MESSAGE, MAX_TITLE_LENGTH
from chat.models import Conversation
from chat.selectors.conversations import get_conversation
from chatsec.core.context import Actor
from chatsec.core.errors import Invalid, NotFound, Unauthenticated
from privacy.services.retention import require_no_hold


def start_conversation(
    actor: Actor, *, title: str = "", now: datetime | None = None
) -> Conversation:
    """Return a new conversation of the actor's own."""
    if actor.id is None:
        raise Unauthenticated(LOGIN_MESSAGE)
    moment = now or timezone.now()
    conversation_id = uuid7()
    return Conversation.objects.create(
        id=conversation_id,
        owner_id=actor.id,
        title_sealed=_sealed_title(actor.id, conversation_id, checked_title(title)),
        channel=actor.channel.value,
        created_at=moment,
        last_message_at=moment,
        delete_on=delete_on(moment),
    )


def rename_conversation(
    actor: Actor, *, conversation_id: UUID, title: str
) -> Conversation:
    """Give the actor's own conversation another title."""
    conversation = get_conversation(actor, conversation_id)
    conversation.title_sealed = _sealed_title(
        conversation.owner_id, conversation.id, checked_title(title)
    )
    conversation.save(update_fields=["title_sealed"])
    return conversation


def delete_conversation(actor: Actor, *, conversation_id: UUID) -> None:
    """Delete the actor's own conversation with everything in it."""
    conversation = get_conversation(actor, conversation_id)
    with transaction.atomic():
        require_no_hold(conversation.owner_id)
        # A message on its way holds this lock; it is deleted too, once it is kept.
        own = Conversation.objects.select_for_update().filter(id=conversation_id)
        if (locked := own.first()) is None:
            raise NotFound("There is no such conversation.")
        locked.delete()
        record(
            events.CONVERSATION_DELETED,
            actor=actor,
            target=Target("chat.conversation", conversation_id),
            result_count=locked.message_count,
        )


def checked_title(title: str) -> str:
    """Return a title that fits; raise Invalid."""
    cleaned = " ".join(title.split())
    if len(cleaned) > MAX_TITLE_LENGTH:
        reason = f"A title has at most {MAX_TITLE_LENGTH} characters."
        raise Invalid(reason, fields={"title": [reason]})
    if not cleaned.isprintable():
        reason = "The title holds characters that cannot be stored."
        raise Invalid(reason, fields={"title": [reason]})
    return cleaned


def delete_on(moment: datetime) -> date:
    """Return the day after which a chat log is gone (the retention of chat logs)."""
    return (moment + timedelta(days=CHAT_LOG_DAYS)).date()


def _sealed_title(owner_id: UUID, conversation_id: UUID, title: str) -> bytes | None:
    if not title:
        return None
    place = sealing.title_place(conversation_id)
    return sealing.seal_text(owner_id, title, place=place)

"""Letting colleagues read a conversation: its owner does, and evidence is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.names import fold_name
from auditlog.services import Target, record
from chat import events
from chat.models import Conversation, Message
from chat.selectors.conversations import (
    VIEW_CONVERSATION,
    get_conversation,
    list_readers,
)
from chat.services.conversations import rename_conversation
from chatsec.core.context import Actor
from chatsec.core.errors import Invalid
from rbac.services import grant_object, revoke_object

MAX_READERS: Final = 50
SHARED: Final = "shared by its owner"
UNSHARED: Final = "no longer shared by its owner"


def change_conversation(
    actor: Actor,
    *,
    conversation_id: UUID,
    title: str | None = None,
    shared_with: Sequence[str] | None = None,
) -> Conversation:
    """Give the actor's own conversation another title or other readers, or nothing."""
    with transaction.atomic():
        conversation = get_conversation(actor, conversation_id)
        if title is not None:
            conversation = rename_conversation(
                actor, conversation_id=conversation_id, title=title
            )
        if shared_with is not None:
            conversation = share_conversation(
                actor, conversation_id=conversation_id, usernames=shared_with
            )
    return conversation


def share_conversation(
    actor: Actor, *, conversation_id: UUID, usernames: Iterable[str]
) -> Conversation:
    """Let exactly these colleagues read the actor's own conversation from now on."""
    names = {fold_name(name) for name in usernames}
    with transaction.atomic():
        conversation = get_conversation(actor, conversation_id)
        # Locked: two changes at once come one after the other, each as a whole.
        Conversation.objects.select_for_update(no_key=True).get(id=conversation.id)
        readers = {one.id: one for one in list_readers(conversation)}
        # Whom the owner named before he may keep, even with a closed account.
        wanted = _people(actor, names, known=readers.values())
        for one in sorted(wanted.keys() - readers.keys()):
            grant_object(
                actor,
                obj=conversation,
                permission=VIEW_CONVERSATION,
                to=wanted[one],
                reason=SHARED,
            )
        for one in sorted(readers.keys() - wanted.keys()):
            revoke_object(
                actor,
                obj=conversation,
                permission=VIEW_CONVERSATION,
                to=readers[one],
                reason=UNSHARED,
            )
    return get_conversation(actor, conversation_id)


def record_reading(
    actor: Actor, conversation: Conversation, messages: Sequence[Message]
) -> None:
    """Leave evidence when somebody reads what another person asked."""
    if actor.id == conversation.owner_id:
        return
    record(
        events.SHARED_CONVERSATION_READ,
        actor=actor,
        target=Target("chat.conversation", conversation.id),
        subject_id=conversation.owner_id,
        result_count=len(messages),
    )


def _people(
    actor: Actor, names: set[str], *, known: Iterable[User]
) -> dict[UUID, User]:
    if len(names) > MAX_READERS:
        raise _refused(f"At most {MAX_READERS} people.")
    found = {one.username: one for one in known if one.username in names}
    active = User.objects.filter(username__in=names - found.keys(), is_active=True)
    found |= {one.username: one for one in active}
    if unknown := sorted(names - found.keys()):
        raise _refused(f"There is no user {unknown[0]}.")
    if any(one.id == actor.id for one in found.values()):
        raise _refused("It is your own conversation.")
    return {one.id: one for one in found.values()}


def _refused(reason: str) -> Invalid:
    return Invalid("It cannot be shared so.", fields={"shared_with": [reason]})

"""Search in one's own conversations: opened and looked through, no index is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from chat.models import Message
from chat.selectors.conversations import list_own_messages
from chat.stages.reading import ShownMessage, reader_of, show_message
from chatsec.core.context import Actor

MAX_FOUND: Final = 50
# How far back a search opens messages: each costs a decryption.
MAX_OPENED: Final = 2_000


def search_messages(actor: Actor, words: str, *, now: datetime) -> list[ShownMessage]:
    """Return the actor's own messages that hold every word, the latest first.

    Looked for in what he may still see: figures that are no longer shown to him are
    not found either.
    """
    wanted = words.casefold().split()
    if not wanted:
        return []
    messages = list(list_own_messages(actor)[:MAX_OPENED])
    return list(islice(_found(actor, messages, wanted, now=now), MAX_FOUND))


def _found(
    actor: Actor, messages: list[Message], wanted: list[str], *, now: datetime
) -> Iterator[ShownMessage]:
    reader = reader_of(actor, messages, now=now)
    for message in messages:
        shown = show_message(reader, message.conversation, message)
        text = shown.text.casefold()
        if all(word in text for word in wanted):
            yield shown

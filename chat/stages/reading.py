"""Reading what is kept: the figures are released again, for whoever reads, now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chat import sealing
from chat.constants import NO_LONGER_SHOWN
from chat.models import (
    Conversation,
    IdempotencyRecord,
    Message,
    MessageRole,
    QueryKind,
)
from chat.selectors.catalogue import Entry, find_entries
from chat.selectors.pending import slot_values
from chat.stages.judgement import (
    Judgement,
    covers,
    is_about_caller,
    judge,
    prefetch_given,
)
from chat.stages.types import Answer, Cells, Turn
from chatsec.core.context import Actor
from chatsec.core.errors import Json, JsonScalar, NotFound


@dataclass(frozen=True)
class Reader:
    """Who reads, and what he may see now of the queries that a page speaks of."""

    actor: Actor
    judgements: Mapping[str, Judgement]
    entries: Mapping[str, Entry]

    def may_read_text(self, conversation: Conversation, message: Message) -> bool:
        """Whether what was said without figures is for this reader.

        An article was chosen by what the owner may read: it is his alone.
        """
        if conversation.owner_id == self.actor.id or not message.query:
            return True
        entry = self.entries.get(message.query)
        return entry is not None and entry.query.kind != QueryKind.KNOWLEDGE

    def may_read_figures(self, conversation: Conversation, message: Message) -> bool:
        """Whether the figures are for this reader: never what is about the owner."""
        if conversation.owner_id != self.actor.id:
            entry = self.entries.get(message.query)
            if entry is None or is_about_caller(entry):
                return False
        return self.may_see(message)

    def may_see(self, message: Message) -> bool:
        """Whether the message's figures are allowed to this reader at this moment."""
        judgement = self.judgements.get(message.query)
        if judgement is None or not judgement.is_allowed or judgement.needs_step_up:
            return False
        return covers(judgement.release, message.released_by or {})


@dataclass(frozen=True)
class ShownMessage:
    """A message as its reader may see it."""

    message: Message
    text: str
    columns: tuple[str, ...] = ()
    rows: Cells = ()
    told: Mapping[str, Json] | None = None
    is_withheld: bool = False

    def body(self) -> dict[str, Json]:
        """Return the message in the shape that clients rely on."""
        message, told = self.message, self.told or {}
        body: dict[str, Json] = {
            "id": str(message.id),
            "role": message.role,
            "text": self.text,
            "created_at": message.created_at.isoformat(),
        }
        if message.role == MessageRole.USER:
            return body
        extra = told.get("extra")
        return {
            **body,
            "status": message.status,
            "query": message.query or None,
            "slots": told.get("slots", {}),
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "decision": told.get("decision"),
            "withheld": self.is_withheld,
            **(extra if isinstance(extra, dict) else {}),
        }


def reader_of(actor: Actor, messages: Iterable[Message], *, now: datetime) -> Reader:
    """Return the reader with one judgement for each query, however many messages."""
    messages = list(messages)
    keys = {message.query for message in messages if message.query}
    entries: Mapping[str, Entry] = find_entries(keys) if keys else {}
    shown = {
        message.query for message in messages if message.figures_sealed is not None
    }
    prefetch_given(actor, [entries[key] for key in shown if key in entries])
    found = {
        key: judge(actor, entry, now=now)
        for key, entry in entries.items()
        if key in shown
    }
    return Reader(actor, found, entries)


def show_messages(
    actor: Actor, conversation: Conversation, messages: list[Message], *, now: datetime
) -> list[ShownMessage]:
    """Return the messages as the actor may see them now."""
    reader = reader_of(actor, messages, now=now)
    return [show_message(reader, conversation, message) for message in messages]


def show_message(
    reader: Reader, conversation: Conversation, message: Message
) -> ShownMessage:
    """Return the message as this reader may see it."""
    owner, place = conversation.owner_id, sealing.message_place("text", message.id)
    text = sealing.open_text(owner, message.text_sealed, place=place)
    told = _opened(owner, message.slots_sealed, "slots", message.id)
    if reader.actor.id != owner:
        # Why the owner was let or refused, and what he was asked for, is his.
        told = {"slots": (told or {}).get("slots", {})}
    if not reader.may_read_text(conversation, message):
        return ShownMessage(message, NO_LONGER_SHOWN, told=told, is_withheld=True)
    if message.figures_sealed is None:
        return ShownMessage(message, text, told=told)
    if not reader.may_read_figures(conversation, message):
        withheld = f"{text} {NO_LONGER_SHOWN}".strip()
        return ShownMessage(message, withheld, told=told, is_withheld=True)
    figures = _opened(owner, message.figures_sealed, "figures", message.id) or {}
    return ShownMessage(
        message,
        str(figures.get("text", "")),
        columns=tuple(str(name) for name in _list(figures.get("columns"))),
        rows=tuple(_row(row) for row in _list(figures.get("rows"))),
        told=told,
    )


def _opened(
    owner: UUID, blob: bytes | memoryview | None, column: str, message_id: UUID
) -> dict[str, Json] | None:
    if blob is None:
        return None
    place = sealing.message_place(column, message_id)
    opened = sealing.open_json(owner, blob, place=place)
    return opened if isinstance(opened, dict) else None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _row(row: Json) -> tuple[JsonScalar, ...]:
    cells = _list(row)
    return tuple(cell for cell in cells if not isinstance(cell, (list, dict)))


def replay(turn: Turn, record: IdempotencyRecord) -> Answer:
    """Return the answer that a repeated key had, released for this reader again."""
    conversation, message = turn.conversation, record.message
    if conversation is None or message is None:
        raise NotFound("There is no such answer.")
    (shown,) = show_messages(turn.actor, conversation, [message], now=turn.now)
    told = shown.told or {}
    extra = _dict(told.get("extra"))
    if record.pending is not None and record.pending.challenge_id is not None:
        extra = {**extra, "mfa_session_id": str(record.pending.challenge_id)}
    redactions = _dict(told.get("redactions"))
    return Answer(
        id=message.id,
        status=message.status,
        message=shown.text,
        conversation_id=conversation.id,
        created_at=message.created_at,
        query=message.query,
        slots=slot_values(told.get("slots")),
        columns=shown.columns,
        rows=shown.rows,
        decision=_dict(told.get("decision")) or None,
        redactions={k: v for k, v in redactions.items() if isinstance(v, int)},
        extra=extra,
    )


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}

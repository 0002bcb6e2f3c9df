"""Seals what people said under their own key, bound to the row that holds it."""

from __future__ import annotations

import json
from uuid import UUID

from chatsec.core import crypto
from chatsec.core.crypto import Place
from chatsec.core.errors import Json


def seal_text(owner_id: UUID, text: str, *, place: Place) -> bytes:
    """Return `text` sealed for its owner; only this place opens it."""
    return crypto.seal_for(owner_id, text, place=place)


def open_text(owner_id: UUID, blob: bytes | memoryview, *, place: Place) -> str:
    """Return the text; raise DecryptionFailed or KeyDestroyed."""
    return crypto.open_for(owner_id, bytes(blob), place=place)


def seal_json(owner_id: UUID, value: Json, *, place: Place) -> bytes:
    """Return `value` sealed for its owner; only this place opens it."""
    return seal_text(owner_id, json.dumps(value, ensure_ascii=False), place=place)


def open_json(owner_id: UUID, blob: bytes | memoryview, *, place: Place) -> Json:
    """Return the value; raise DecryptionFailed or KeyDestroyed."""
    value: Json = json.loads(open_text(owner_id, blob, place=place))
    return value


def message_place(column: str, message_id: UUID) -> Place:
    """Return where a column of a message lives."""
    return Place("chat_message", column, message_id)


def title_place(conversation_id: UUID) -> Place:
    """Return where the title of a conversation lives."""
    return Place("chat_conversation", "title", conversation_id)


def plan_place(pending_id: UUID) -> Place:
    """Return where the plan of a pending question lives."""
    return Place("chat_pendingquestion", "plan", pending_id)


def action_place(action_id: UUID) -> Place:
    """Return where the parameters of a recorded action live."""
    return Place("chat_recordedaction", "parameters", action_id)

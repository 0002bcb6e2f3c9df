"""Admit, screen, redact: what happens to a message before anybody reads it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Final

from chat.constants import BLOCKED_MESSAGE, MAX_MESSAGE_LENGTH
from chat.errors import MessageRefused
from chat.guards import is_attack, score_injection
from chat.interpretation import looks_like_code
from chat.models import Conversation, MessageStatus
from chat.services import limits
from chat.stages.types import (
    AdmittedMessage,
    KeptQuestion,
    RedactedMessage,
    Reply,
    ScreenedMessage,
    Turn,
    TurnEnded,
)
from chatsec.core.context import Actor
from chatsec.core.errors import NotFound
from privacy import pii

CODE_PLACEHOLDER: Final = "[code]"
# Line breaks and tabs belong in a message; other control characters hide things.
ALLOWED_CONTROLS: Final = frozenset("\n\r\t")


def admit(turn: Turn, text: str) -> AdmittedMessage:
    """Take the message if it is well-formed, in its owner's hands and within limits."""
    check_owner(turn.actor, turn.conversation)
    checked = check_text(text)
    usage = limits.take_place(turn.actor)
    return AdmittedMessage(replace(turn, usage=usage), checked)


def check_owner(actor: Actor, conversation: Conversation | None) -> None:
    """Raise NotFound unless the conversation is the actor's own."""
    if conversation is None:
        if actor.is_signed_in:
            raise NotFound("There is no such conversation.")
        return
    if actor.id is None or conversation.owner_id != actor.id:
        raise NotFound("There is no such conversation.")


def check_text(text: str) -> str:
    """Return the text to answer; raise MessageRefused if there is none in it."""
    if len(text) > MAX_MESSAGE_LENGTH:
        raise _refused("A message has at most 4,000 characters.")
    if any(_is_forbidden(character) for character in text):
        raise _refused("The message holds characters that cannot be stored.")
    if not text.strip():
        raise _refused("Write a message.")
    return text.strip()


def _refused(reason: str) -> MessageRefused:
    return MessageRefused(reason, fields={"text": [reason]})


def _is_forbidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cs" or (category == "Cc" and character not in ALLOWED_CONTROLS)


def screen(message: AdmittedMessage) -> ScreenedMessage:
    """Score the message for signs of prompt injection; block a plain attack.

    The guard is never what keeps data safe: a message that passes it is authorized
    like any other.
    """
    score = score_injection(message.text)
    if is_attack(message.text):
        turn = _kept(message.turn, message.text)
        extra = {"injection_score": round(score, 3)}
        reply = Reply(MessageStatus.BLOCKED, BLOCKED_MESSAGE, extra=extra)
        raise TurnEnded(turn, reply)
    return ScreenedMessage(message.turn, message.text, score)


def redact(message: ScreenedMessage) -> RedactedMessage:
    """Make the form that will be kept; the raw text stays in memory."""
    turn = _kept(message.turn, message.text)
    return RedactedMessage(turn, message.text, message.injection_score)


def _kept(turn: Turn, text: str) -> Turn:
    if looks_like_code(text):
        return replace(turn, question=KeptQuestion(CODE_PLACEHOLDER, {"CODE": 1}))
    report = pii.redact_with_report(text)
    return replace(turn, question=KeptQuestion(report.text, dict(report.counts)))

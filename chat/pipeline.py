"""One message's story, in the order in which it happens.

Each stage takes what the one before it has proven (`chat.stages.types`). A stage that
refuses or asks back ends the turn with `TurnEnded`; any other exception is a refusal.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from auditlog.services import record_error
from chat.constants import FAILED_MESSAGE
from chat.datasets.errors import SourceTimeout
from chat.errors import AnswerFailed
from chat.interpretation import looks_like_code
from chat.models import Conversation, PendingKind
from chat.selectors.catalogue import find_entry
from chat.selectors.pending import find_open_question, get_step_up, opened_plan
from chat.services import idempotency
from chat.services.pending import complete_step_up
from chat.stages.admission import admit, check_owner, redact, screen
from chat.stages.authorization import authorize
from chat.stages.execution import execute, release
from chat.stages.keeping import store
from chat.stages.reading import replay
from chat.stages.types import Answer, QueryPlan, Turn, TurnEnded
from chat.stages.understanding import interpret
from chat.stages.wording import compose
from chatsec.core.context import Actor
from chatsec.core.errors import DomainError, NotFound

logger = logging.getLogger(__name__)


def answer_message(
    actor: Actor,
    conversation: Conversation | None,
    text: str,
    *,
    idempotency_key: str | None = None,
    now: datetime | None = None,
) -> Answer:
    """Return the answer, kept and audited. `conversation` is None for the public."""
    with _refusing_on_failure():
        turn = _turn(actor, conversation, now)
        if waiting := _code_is_for(turn, text):
            return _continue(turn, waiting, text)
        with _once(turn, idempotency_key, text) as (turn, earlier):
            if earlier is not None:
                return earlier
            try:
                message = redact(screen(admit(turn, text)))
                plan = interpret(message)
                released = release(execute(authorize(plan)))
                return store(compose(released))  # and audit, before it is shown
            except TurnEnded as ended:
                return store(ended.answer)


def answer_step_up(
    actor: Actor,
    conversation: Conversation,
    *,
    mfa_session_id: UUID,
    code: str,
    now: datetime | None = None,
) -> Answer:
    """Return the answer to the question that waited for this code."""
    with _refusing_on_failure():
        return _continue(_turn(actor, conversation, now), mfa_session_id, code)


def _continue(turn: Turn, challenge_id: UUID, code: str) -> Answer:
    """Go on with the pending question; it is authorized anew. The code is not kept."""
    if turn.conversation is None:
        raise NotFound("There is no such question.")
    pending = get_step_up(turn.actor, turn.conversation, challenge_id=challenge_id)
    known = opened_plan(pending)
    complete_step_up(turn.actor, pending, code=code)
    actor = replace(turn.actor, stepped_up_at=turn.now)
    entry = find_entry(known.query)
    if entry is None:
        raise NotFound("There is no such question.")
    try:
        plan = QueryPlan(replace(turn, actor=actor), entry, known.slots)
        return store(compose(release(execute(authorize(plan)))))
    except TurnEnded as ended:
        return store(ended.answer)


def _turn(
    actor: Actor, conversation: Conversation | None, now: datetime | None
) -> Turn:
    check_owner(actor, conversation)
    return Turn(
        actor=actor,
        conversation=conversation,
        now=now or timezone.now(),
        started=time.perf_counter(),
        surroundings={"now": now} if now is not None else {},
    )


def _code_is_for(turn: Turn, text: str) -> UUID | None:
    """Return the challenge that a message of six digits answers, if one is open."""
    if turn.conversation is None or not looks_like_code(text):
        return None
    waiting = find_open_question(turn.actor, turn.conversation, now=turn.now)
    if waiting is None or waiting.kind != PendingKind.STEP_UP:
        return None
    return waiting.challenge_id


@contextmanager
def _once(
    turn: Turn, key: str | None, text: str
) -> Iterator[tuple[Turn, Answer | None]]:
    """Give a repeated key its earlier answer; free a key that gets no answer."""
    if key is None or turn.conversation is None:
        yield turn, None
        return
    record = idempotency.begin(turn.conversation, key=key, body=text, now=turn.now)
    if record.message_id is not None:
        yield turn, replay(turn, record)
        return
    try:
        yield replace(turn, idempotency_id=record.id), None
    except BaseException:
        idempotency.abandon(record.id)
        raise


@contextmanager
def _refusing_on_failure() -> Iterator[None]:
    """Turn whatever nobody foresaw into a refusal that says nothing of the cause."""
    try:
        yield
    except DomainError:
        raise
    except SourceTimeout as error:
        record_error(error)
        slow = "The question took too long, so nothing was shown."
        raise AnswerFailed(slow, code="query_timeout") from error
    except Exception as error:
        logger.exception("a message could not be answered")
        record_error(error)
        raise AnswerFailed(FAILED_MESSAGE) from error

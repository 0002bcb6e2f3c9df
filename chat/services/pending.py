"""Keeping a question until its owner shows a factor or fills a slot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from accounts.services import challenges
from chat import sealing
from chat.constants import FORM_TURN_VALID_FOR
from chat.interpretation import SlotValue
from chat.models import Conversation, PendingKind, PendingQuestion
from chat.selectors.pending import KnownPlan
from chatsec.core.context import Actor
from chatsec.core.errors import Json, Unauthenticated


def close_open_questions(conversation: Conversation, *, now: datetime) -> None:
    """End what the conversation waits for; a new message takes its place."""
    PendingQuestion.objects.filter(
        conversation=conversation, answered_at__isnull=True
    ).update(answered_at=now)


def keep_question(
    actor: Actor,
    conversation: Conversation,
    *,
    kind: PendingKind,
    plan: KnownPlan,
    now: datetime,
) -> PendingQuestion:
    """Keep the plan, sealed; a step-up gets its challenge. Call it in a transaction."""
    if actor.id is None:
        raise Unauthenticated
    pending_id = uuid7()
    pending = PendingQuestion(
        id=pending_id,
        kind=kind,
        user_id=actor.id,
        session_id=actor.session_id,
        conversation=conversation,
        plan_sealed=_sealed(actor.id, pending_id, plan),
        created_at=now,
        expires_at=now + FORM_TURN_VALID_FOR,
    )
    if kind == PendingKind.STEP_UP:
        challenge = challenges.start(actor, operation=operation_of(pending_id))
        pending.challenge_id = challenge.id
        pending.expires_at = challenge.expires_at
    pending.save(force_insert=True)
    return pending


def complete_step_up(actor: Actor, pending: PendingQuestion, *, code: str) -> None:
    """Meet the challenge of this question; the session is stepped up afterwards."""
    challenges.complete(
        str(pending.challenge_id),
        actor=actor,
        operation=operation_of(pending.id),
        code=code,
    )


def operation_of(pending_id: UUID) -> str:
    """Return what a challenge is bound to: this one question."""
    return f"chat.question:{pending_id}"


def _sealed(owner_id: UUID, pending_id: UUID, plan: KnownPlan) -> bytes:
    slots: Mapping[str, SlotValue] = plan.slots
    value: Json = {"query": plan.query, "slots": dict(slots), "slot": plan.slot}
    return sealing.seal_json(owner_id, value, place=sealing.plan_place(pending_id))

"""Reads of what waits for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chat import sealing
from chat.interpretation import SlotValue
from chat.models import Conversation, PendingKind, PendingQuestion
from chatsec.core.context import Actor
from chatsec.core.errors import Json, NotFound


@dataclass(frozen=True)
class KnownPlan:
    """What a pending question was about."""

    query: str
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    slot: str = ""


def find_open_question(
    actor: Actor, conversation: Conversation, *, now: datetime
) -> PendingQuestion | None:
    """Return what this conversation waits for, if it is this actor's and still open."""
    if actor.id is None:
        return None
    return PendingQuestion.objects.filter(
        conversation=conversation,
        user_id=actor.id,
        session_id=actor.session_id,
        answered_at__isnull=True,
        expires_at__gt=now,
    ).first()


def get_step_up(
    actor: Actor, conversation: Conversation, *, challenge_id: UUID
) -> PendingQuestion:
    """Return the question behind a challenge; NotFound for anybody else's."""
    waiting = PendingQuestion.objects.filter(
        kind=PendingKind.STEP_UP,
        challenge_id=challenge_id,
        conversation=conversation,
        session_id=actor.session_id,
    )
    found = waiting.filter(user_id=actor.id).first() if actor.id else None
    if found is None:
        raise NotFound("There is no such question.")
    return found


def opened_plan(pending: PendingQuestion) -> KnownPlan:
    """Return what was asked; raise DecryptionFailed if the row was tampered with."""
    place = sealing.plan_place(pending.id)
    plan = sealing.open_json(pending.user_id, pending.plan_sealed, place=place)
    if not isinstance(plan, dict):
        raise NotFound("There is no such question.")
    return KnownPlan(
        query=str(plan["query"]),
        slots=slot_values(plan["slots"]),
        slot=str(plan.get("slot", "")),
    )


def slot_values(found: Json) -> dict[str, SlotValue]:
    """Return the slots of a sealed plan or message."""
    if not isinstance(found, dict):
        return {}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, (int, float, str))
    }

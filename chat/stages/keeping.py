"""Store and audit: in one transaction, and before anybody gets the answer.

No evidence, no data: where an event cannot be written, nothing is kept and nothing is
shown. Refusals are written before it, so that no rollback takes them away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from auditlog import events as audit_events
from auditlog.services import Target, record, record_refusal
from chat import events, sealing
from chat.constants import MAX_TITLE_LENGTH
from chat.models import (
    Conversation,
    Message,
    MessageRole,
    MessageStatus,
    PendingQuestion,
    QueryKind,
    RecordedAction,
)
from chat.selectors.pending import KnownPlan
from chat.services import idempotency
from chat.services.conversations import delete_on
from chat.services.pending import close_open_questions, keep_question
from chat.stages.types import Answer, ComposedAnswer, Pending, Reply, Turn
from chatsec.core.errors import Json, NotFound, Unauthenticated
from privacy import pii

TITLE_FROM_QUESTION: Final = 60
FREE_TEXT_SLOTS: Final = frozenset({"note"})
QUERY_TYPES: Final = {str(QueryKind.SQL): "database_query"}
REFUSED: Final = frozenset({MessageStatus.DENIED, MessageStatus.BLOCKED})


@dataclass(frozen=True)
class _Kept:
    message_id: UUID
    pending: PendingQuestion | None = None
    action_id: UUID | None = None


def store(composed: ComposedAnswer) -> Answer:
    """Return the answer once it is kept, sealed, and its evidence is written."""
    turn, reply = composed.turn, composed.reply
    _audit_refusal(turn, reply)
    with transaction.atomic():
        kept = _keep(turn, reply)
        audit(turn, reply, action_id=kept.action_id)
    return _answer(turn, reply, kept)


def audit(turn: Turn, reply: Reply, *, action_id: UUID | None) -> None:
    """Write the evidence of the turn in the caller's transaction."""
    plan, decision = reply.plan, reply.decision
    if decision is not None and reply.status != MessageStatus.DENIED:
        result = (
            "granted" if reply.status != MessageStatus.MFA_REQUIRED else reply.status
        )
        record(
            audit_events.AUTHORIZATION_CHECK,
            actor=turn.actor,
            details={
                "required_permission": decision.permission,
                "roles": list(decision.roles),
                "result": str(result),
            },
        )
    _audit_access(turn, reply)
    if action_id is not None and plan is not None:
        record(
            events.ACTION_RECORDED,
            actor=turn.actor,
            target=Target("chat.recordedaction", action_id),
            details={"action": plan.entry.key},
        )
    record(
        audit_events.CHATBOT_QUERY,
        actor=turn.actor,
        outcome="denied" if reply.status in REFUSED else "success",
        details=_query_details(turn, reply),
    )


def _query_details(turn: Turn, reply: Reply) -> dict[str, Json]:
    plan = reply.plan
    kind = plan.entry.query.kind if plan else "none"
    return {
        "session_id": str(turn.actor.session_id) if turn.actor.session_id else None,
        "intent": plan.entry.key if plan else "",
        "query_type": QUERY_TYPES.get(kind, kind),
        "execution_time_ms": round((time.perf_counter() - turn.started) * 1000),
        "answer": str(reply.status),
    }


def _audit_access(turn: Turn, reply: Reply) -> None:
    """Name every record that is about to be shown."""
    rows, plan = reply.rows, reply.plan
    if rows is None or plan is None or not plan.entry.query.is_access_logged:
        return
    bound = rows.authorized.bound
    datasets = bound.source_datasets if bound else (plan.entry.key,)
    details: dict[str, Json] = {
        "resource_ids": list(rows.resource_ids),
        "action": "read",
    }
    if rows.resource_ids and len(rows.resource_ids) < len(rows.rows):
        details["resource_ids_left_out"] = len(rows.rows) - len(rows.resource_ids)
    record(
        audit_events.DATA_ACCESS,
        actor=turn.actor,
        target=Target("_".join(datasets) + "_records", plan.entry.key),
        details=details,
        result_count=len(rows.rows),
        classification=plan.entry.query.data_classification,
    )


def _audit_refusal(turn: Turn, reply: Reply) -> None:
    if reply.status == MessageStatus.BLOCKED:
        record_refusal(
            events.MESSAGE_BLOCKED,
            actor=turn.actor,
            outcome="denied",
            details=dict(reply.extra),
        )
    if reply.status == MessageStatus.DENIED and reply.decision is not None:
        required = str(reply.extra.get("required", ""))
        record_refusal(
            audit_events.AUTHORIZATION_DENIED,
            actor=turn.actor,
            outcome="denied",
            # In clear, so that detection can tell trying many from asking again.
            target=Target("rbac.permission", required) if required else None,
            details={
                "required_permission": required,
                "roles": list(reply.decision.roles),
                "result": "denied",
                "reason": str(reply.extra.get("code") or reply.decision.reason),
            },
        )


def _keep(turn: Turn, reply: Reply) -> _Kept:
    """Keep question and answer sealed; nothing at all of an anonymous caller."""
    if turn.conversation is None:
        return _Kept(uuid7())
    conversation = _locked(turn.conversation)
    messages = []
    position = conversation.message_count
    if turn.question is not None:
        position += 1
        messages.append(_question(conversation, turn, position))
    position += 1
    answer = _message(conversation, turn, reply, position)
    Message.objects.bulk_create([*messages, answer])
    _touch(conversation, turn, position)
    close_open_questions(conversation, now=turn.now)
    pending = _keep_pending(turn, conversation, reply.pending)
    if turn.idempotency_id is not None:
        idempotency.finish(
            turn.idempotency_id,
            message_id=answer.id,
            pending_id=pending.id if pending else None,
        )
    return _Kept(answer.id, pending, _keep_action(turn, reply))


def _locked(conversation: Conversation) -> Conversation:
    """Lock the row: positions are handed out one after the other."""
    found = Conversation.objects.select_for_update().filter(id=conversation.id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def _question(conversation: Conversation, turn: Turn, position: int) -> Message:
    if turn.question is None:
        raise ValueError("the turn has no question of its own")
    message_id = uuid7()
    return Message(
        id=message_id,
        conversation=conversation,
        position=position,
        role=MessageRole.USER,
        status=MessageStatus.ASKED,
        text_sealed=_sealed(conversation, message_id, "text", turn.question.text),
        created_at=turn.now,
        delete_on=delete_on(turn.now),
    )


def _message(
    conversation: Conversation, turn: Turn, reply: Reply, position: int
) -> Message:
    message_id, plan, figures = uuid7(), reply.plan, reply.figures
    message = Message(
        id=message_id,
        conversation=conversation,
        position=position,
        role=MessageRole.ASSISTANT,
        status=reply.status,
        text_sealed=_sealed(conversation, message_id, "text", reply.text),
        slots_sealed=_sealed(conversation, message_id, "slots", _told(turn, reply)),
        query=plan.entry.key if plan else "",
        row_count=len(reply.rows.rows) if reply.rows else None,
        created_at=turn.now,
        delete_on=delete_on(turn.now),
    )
    if figures is not None and reply.release is not None:
        kept: Json = {
            "text": figures.text,
            "columns": list(figures.columns),
            "rows": [list(row) for row in figures.rows],
        }
        message.figures_sealed = _sealed(conversation, message_id, "figures", kept)
        message.released_by = reply.release.as_json()
    return message


def _told(turn: Turn, reply: Reply) -> Json:
    """Return what a reader is told besides text and figures."""
    redactions = turn.question.redactions if turn.question else {}
    return {
        "slots": _kept_slots(reply),
        "decision": decision_of(reply),
        "redactions": dict(redactions),
        "extra": dict(reply.extra),
    }


def _kept_slots(reply: Reply) -> dict[str, Json]:
    """Return the slots; what somebody wrote freely is kept redacted, as the text is."""
    slots = dict(reply.plan.slots) if reply.plan else {}
    return {
        name: pii.redact(str(value)) if name in FREE_TEXT_SLOTS else value
        for name, value in slots.items()
    }


def _sealed(
    conversation: Conversation, message_id: UUID, column: str, value: Json
) -> bytes:
    place = sealing.message_place(column, message_id)
    if isinstance(value, str) and column == "text":
        return sealing.seal_text(conversation.owner_id, value, place=place)
    return sealing.seal_json(conversation.owner_id, value, place=place)


def _touch(conversation: Conversation, turn: Turn, position: int) -> None:
    conversation.message_count = position
    conversation.last_message_at = turn.now
    conversation.delete_on = delete_on(turn.now)
    fields = ["message_count", "last_message_at", "delete_on"]
    if conversation.title_sealed is None and turn.question is not None:
        title = turn.question.text[:TITLE_FROM_QUESTION][:MAX_TITLE_LENGTH]
        place = sealing.title_place(conversation.id)
        conversation.title_sealed = sealing.seal_text(
            conversation.owner_id, title, place=place
        )
        fields.append("title_sealed")
    conversation.save(update_fields=fields)


def _keep_pending(
    turn: Turn, conversation: Conversation, pending: Pending | None
) -> PendingQuestion | None:
    if pending is None:
        return None
    plan = KnownPlan(pending.plan.entry.key, pending.plan.slots, pending.slot)
    return keep_question(
        turn.actor, conversation, kind=pending.kind, plan=plan, now=turn.now
    )


def _keep_action(turn: Turn, reply: Reply) -> UUID | None:
    plan = reply.plan
    if plan is None or reply.status != MessageStatus.ANSWERED:
        return None
    if plan.entry.query.kind != QueryKind.ACTION:
        return None
    if turn.actor.id is None:
        raise Unauthenticated
    action_id = uuid7()
    place = sealing.action_place(action_id)
    sealed = sealing.seal_json(turn.actor.id, dict(plan.slots), place=place)
    RecordedAction.objects.create(
        id=action_id,
        query=plan.entry.key,
        actor_id=turn.actor.id,
        parameters_sealed=sealed,
        created_at=turn.now,
    )
    return action_id


def decision_of(reply: Reply) -> dict[str, Json] | None:
    """Return the decision as clients see it."""
    decision = reply.decision
    if decision is None:
        return None
    outcome = decision.outcome
    if reply.status == MessageStatus.MFA_REQUIRED:
        outcome = "step_up"
    return {
        "outcome": outcome if reply.status != MessageStatus.DENIED else "deny",
        "permission": decision.permission,
        "roles": list(decision.roles),
        "reasons": [{"kind": one.kind, "text": one.text} for one in decision.reasons],
    }


def _answer(turn: Turn, reply: Reply, kept: _Kept) -> Answer:
    plan, figures = reply.plan, reply.figures
    return Answer(
        id=kept.message_id,
        status=str(reply.status),
        message=figures.text if figures else reply.text,
        conversation_id=turn.conversation.id if turn.conversation else None,
        created_at=turn.now,
        query=plan.entry.key if plan else "",
        slots=dict(plan.slots) if plan else {},
        columns=figures.columns if figures else (),
        rows=figures.rows if figures else (),
        decision=decision_of(reply),
        redactions=turn.question.redactions if turn.question else {},
        extra={**reply.extra, **_told_of(kept)},
        usage=turn.usage,
    )


def _told_of(kept: _Kept) -> dict[str, Json]:
    told: dict[str, Json] = {}
    if kept.pending is not None and kept.pending.challenge_id is not None:
        told["mfa_session_id"] = str(kept.pending.challenge_id)
    if kept.action_id is not None:
        told["reference"] = str(kept.action_id)
    return told

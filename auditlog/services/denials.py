"""Refusals at the edges as evidence: who asked for what he may not do."""

from __future__ import annotations

from typing import Final

from auditlog import events
from auditlog.constants import DENIALS_EACH, DENIALS_TOGETHER, DENIALS_WINDOW
from auditlog.services.recording import Target
from auditlog.services.repeating import record_repeated
from auditlog.services.turns import Pace
from chatsec.core.context import current_actor
from chatsec.core.errors import Denied, Json, TooMany

PERMISSION = "rbac.permission"
OF_A_PERSON: Final = Pace("denials", DENIALS_EACH, DENIALS_WINDOW, DENIALS_TOGETHER)
TOO_MANY_MESSAGE: Final = (
    "This account was refused too often. Please wait before you ask again."
)


def record_denial(refusal: Denied) -> TooMany | None:
    """Write that the caller was refused; it is what the detection rules count.

    Nobody in particular leaves nothing: a stranger could fill the log for years. Who is
    refused faster than is written one by one is told nothing but that: what is to be
    answered then is returned.
    """
    actor = current_actor()
    if actor.id is None:
        return None
    required = str(refusal.extra.get("required") or "")
    details: dict[str, Json] = {
        "required_permission": required,
        "result": "denied",
        "reason": refusal.code,
    }
    done = record_repeated(
        events.AUTHORIZATION_DENIED,
        [(OF_A_PERSON, str(actor.id))],
        summary=events.DENIALS_LEFT_OUT,
        label=required,
        outcome="denied",
        target=Target(PERMISSION, required) if required else None,
        details=details,
    )
    if done.is_written:
        return None
    return TooMany(
        TOO_MANY_MESSAGE,
        retry_after_seconds=done.wait_seconds,
        code="too_many_refusals",
    )

"""Refusals at the edges as evidence: who asked for what he may not do."""

from __future__ import annotations

from auditlog import events
from auditlog.services.recording import Target
from auditlog.services.refusals import record_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import Denied, Json

PERMISSION = "rbac.permission"


def record_denial(refusal: Denied) -> None:
    """Write that the caller was refused; it is what the detection rules count.

    Nobody in particular leaves nothing: a stranger could fill the log for years.
    """
    actor = current_actor()
    if actor.id is None:
        return
    required = refusal.extra.get("required")
    details: dict[str, Json] = {
        "required_permission": str(required or ""),
        "result": "denied",
        "reason": refusal.code,
    }
    record_refusal(
        events.AUTHORIZATION_DENIED,
        outcome="denied",
        target=Target(PERMISSION, str(required)) if required else None,
        details=details,
    )

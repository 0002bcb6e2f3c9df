"""Refusals at the edges as evidence: who asked for what he may not do."""

from __future__ import annotations

from typing import Final, NamedTuple

from auditlog import events
from auditlog.constants import DENIALS_EACH, DENIALS_TOGETHER, DENIALS_WINDOW
from auditlog.registry import EventType
from auditlog.services.recording import Target
from auditlog.services.repeating import record_repeated
from auditlog.services.turns import Pace
from chatsec.core import context
from chatsec.core.context import Actor, Channel
from chatsec.core.errors import Denied, Json, TooMany

PERMISSION = "rbac.permission"
OF_A_PERSON: Final = Pace("denials", DENIALS_EACH, DENIALS_WINDOW, DENIALS_TOGETHER)
# Apart, or a link elsewhere could use somebody's refusals up.
OF_OTHER_SITES: Final = Pace(
    "denials-cross-site", DENIALS_EACH, DENIALS_WINDOW, DENIALS_TOGETHER
)
TOO_MANY_MESSAGE: Final = (
    "This account was refused too often. Please wait before you ask again."
)


class _Kind(NamedTuple):
    event: EventType
    summary: EventType
    pace: Pace


_OWN: Final = _Kind(events.AUTHORIZATION_DENIED, events.DENIALS_LEFT_OUT, OF_A_PERSON)
_CROSS_SITE: Final = _Kind(
    events.CROSS_SITE_DENIED, events.CROSS_SITE_DENIED, OF_OTHER_SITES
)


def record_denial(refusal: Denied) -> TooMany | None:
    """Write that the caller was refused; it is what the detection rules count.

    Nobody in particular leaves nothing: a stranger could fill the log for years. Who is
    refused faster than is written one by one is told nothing but that: what is to be
    answered then is returned.
    """
    actor = context.current_actor()
    if actor.id is None:
        return None
    required = str(refusal.extra.get("required") or "")
    details: dict[str, Json] = {
        "required_permission": required,
        "result": "denied",
        "reason": refusal.code,
    }
    kind = _CROSS_SITE if _is_cross_site(actor) else _OWN
    done = record_repeated(
        kind.event,
        [(kind.pace, str(actor.id))],
        summary=kind.summary,
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


def _is_cross_site(actor: Actor) -> bool:
    """Whether another site made the person's browser ask, by the cookie in it.

    Whoever sends a token or a key asks himself: no site can add those.
    """
    by_cookie = actor.channel in (Channel.WEB, Channel.ADMIN)
    return by_cookie and context.current().is_cross_site

"""Questions to the policy, asked with who acts, from where, and at what time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.app_scopes import CHAT
from chatsec.core import context as request_context
from chatsec.core.context import (
    ANONYMOUS,
    Actor,
    ActorKind,
    AttributeValue,
    Person,
)
from rbac import selectors
from rbac.constants import ADMINISTRATIVE_CODES
from rbac.policy import Bindings, Decision, Entry, Question, Reason
from rbac.policy.roles import bare_code, full_code
from rbac.policy.scopes import DataScope, scope_of

Attributes = Mapping[str, AttributeValue]
STEP_UP_LASTS = timedelta(minutes=5)


def decide(
    actor: Actor,
    permission: str,
    *,
    resource: Attributes | None = None,
    context: Attributes | None = None,
    at: datetime | None = None,
) -> Decision:
    """Return whether the actor may, and why; nothing is written.

    `context` adds to what is known of the request and overrides it; `now` in it moves
    the hours of conditions. `at` asks about another moment, assignments included.
    """
    code = bare_code(permission)
    if refusal := refused_outright(actor, code):
        return Decision("deny", code, (refusal,), ())
    if at is not None:
        context = {"now": at, **(context or {})}
    entry = selectors.entry_for(actor.person, at=at)
    question = question_of(actor, code, resource=resource, context=context)
    return _without_step_up(actor, entry.decide(question))


def check_permission(subject: Actor | Person | AnonymousUser | None, code: str) -> bool:
    """Whether the permission is granted now, asked without a resource."""
    actor = as_actor(subject)
    code = bare_code(code)
    if refused_outright(actor, code):
        return False
    entry = selectors.entry_for(actor.person)
    quick = entry.quick(code)
    return entry.check(question_of(actor, code)) if quick is None else quick


def data_scope(
    actor: Actor, permission: str, *, context: Attributes | None = None
) -> DataScope:
    """Return which rows and columns the permission shows to the actor now."""
    code = bare_code(permission)
    question = question_of(actor, code, context=context)
    if refused_outright(actor, code):
        return scope_of((), question)
    entry = selectors.entry_for(actor.person)
    return scope_of(entry.covering(code), question)


def effective_permissions(actor: Actor) -> tuple[str, ...]:
    """Return every registered code that the actor has now, sorted."""
    if _refused_always(actor):
        return ()
    entry = selectors.entry_for(actor.person)
    bindings = question_of(actor, "").bindings
    return tuple(
        code
        for code in sorted(entry.allowed_codes(bindings))
        if refused_outright(actor, code) is None
    )


def has_app_permission(actor: Actor, app_label: str) -> bool:
    """Whether the actor has any registered code of the app now.

    The admin asks this for each app on each of its pages: one code is enough.
    """
    if _refused_always(actor):
        return False
    entry = selectors.entry_for(actor.person)
    bindings = question_of(actor, "").bindings
    return any(
        entry.check(Question(permission=code, bindings=bindings))
        and refused_outright(actor, code) is None
        for code in entry.bits
        if full_code(code).startswith(f"{app_label}.")
    )


def entry_of(actor: Actor) -> Entry:
    """Return what the actor's roles come to; nothing of it for inactive people."""
    if _refused_always(actor):
        return selectors.current_snapshot().entry(())
    return selectors.entry_for(actor.person)


def as_actor(subject: Actor | Person | AnonymousUser | None) -> Actor:
    """Return the subject as an actor; the request's own actor if it is the same."""
    if isinstance(subject, Actor):
        return subject
    if subject is None or isinstance(subject, AnonymousUser):
        return ANONYMOUS
    current = request_context.current_actor()
    if current.id == subject.id:
        if current.person is subject:
            return current
        if current.scopes is not None:
            # Another copy of the person reaches no further than the key or app.
            return replace(current, person=subject)
    kind = ActorKind.SERVICE if subject.is_service else ActorKind.USER
    return Actor(kind=kind, person=subject)


def question_of(
    actor: Actor,
    code: str,
    *,
    resource: Attributes | None = None,
    context: Attributes | None = None,
) -> Question:
    """Return the question with everything that conditions may name."""
    now = _other_moment(context) or timezone.now()
    surroundings = surroundings_of(actor, context, now=now)
    return Question(
        permission=code,
        bindings=Bindings(
            user=actor.person.policy_attributes() if actor.person else {},
            context=surroundings,
            resource=resource,
        ),
        has_stepped_up=actor.stepped_up_within(STEP_UP_LASTS, now=now),
    )


def surroundings_of(
    actor: Actor, given: Attributes | None, *, now: datetime
) -> dict[str, AttributeValue]:
    """Return what is known of the request; hours are the organisation's."""
    return {
        **_clock_at(now),
        "ip": request_context.current().ip,
        "channel": actor.channel.value,
        **(given or {}),
        "now": now,
    }


def _clock_at(moment: datetime) -> dict[str, AttributeValue]:
    try:
        local = moment.astimezone(ZoneInfo(settings.CHATSEC_TIME_ZONE))
    except OverflowError:  # year 1 or 9999, moved out of the calendar: unknown
        return {}
    return {"hour": local.hour, "weekday": local.isoweekday()}


def _other_moment(given: Attributes | None) -> datetime | None:
    moment = (given or {}).get("now")
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment
    return None


def refused_outright(actor: Actor, code: str) -> Reason | None:
    """Return why the actor never has the permission, whatever roles say; or None."""
    if refusal := _refused_always(actor):
        return refusal
    if actor.kind is ActorKind.SERVICE and code in ADMINISTRATIVE_CODES:
        return Reason(
            kind="not_for_service_accounts",
            text=f"{code} is never given to a service account",
        )
    if actor.scopes is None:
        return None
    if code in ADMINISTRATIVE_CODES:
        text = f"{code} is never in the scope of a key or an app"
        return Reason(kind="outside_scope", text=text)
    # Of an app only: what a key may do is named one by one.
    may_chat = actor.is_connected_app and CHAT in actor.scopes
    if code not in actor.scopes and not may_chat:
        text = f"{code} is outside of the scope"
        return Reason(kind="outside_scope", text=text)
    return None


def _refused_always(actor: Actor) -> Reason | None:
    if actor.person is not None and not actor.person.is_active:
        return Reason(kind="inactive", text="the account is not active")
    return None


def _without_step_up(actor: Actor, decision: Decision) -> Decision:
    """Deny what only a fresh second factor would open, where nobody can show one."""
    if decision.outcome != "step_up" or actor.can_step_up:
        return decision
    text = "it needs a fresh second factor, which no key or app can show"
    reasons = (Reason(kind="step_up_not_possible", text=text), *decision.reasons)
    return replace(decision, outcome="deny", reasons=reasons)

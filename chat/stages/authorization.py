"""Authorize: whether this actor may have this query answered, now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

import jsonschema

from accounts.models import User
from accounts.selectors import factor_methods
from chat.constants import INSUFFICIENT, MFA_MESSAGE, denied_message
from chat.datasets.errors import ColumnRefused, QueryRefused
from chat.datasets.rewriter import BoundQuery, DatasetView, bind_query, bind_units
from chat.models import MessageStatus, PendingKind, QueryKind
from chat.periods import with_year
from chat.selectors.catalogue import grid_of
from chat.services.ledger import Grid
from chat.stages.judgement import NOT_FRESH, Judgement, context_of, judge
from chat.stages.types import (
    AuthorizedPlan,
    Pending,
    QueryPlan,
    Reply,
    TurnEnded,
)
from chatsec.core import crypto
from chatsec.core.context import Actor, AttributeValue
from chatsec.core.errors import Json
from privacy.selectors import consent_missing

QUESTIONS: Final = {
    "person": "Whose? Please give a name.",
    "amount": "How much? Please give an amount.",
    "note": "What should the note say?",
    "quarter": "Which quarter?",
    "year": "Which year?",
    "region": "Which region?",
    "department": "Which department?",
}
CONSENT_MESSAGE: Final = "Your consent is needed before this can be answered."
SIGN_IN_MESSAGE: Final = (
    "An app gets this only in the first minutes after you signed in for it, with a "
    "second factor where one is needed. Connect the app again, or ask on the web page."
)
FACTOR_MESSAGE: Final = (
    "This needs a second factor, and your account has none. "
    "Add an authenticator app under “My security”."
)
KEY_MESSAGE: Final = (
    "This needs a second factor, which an API key cannot show. "
    "Somebody has to sign in and ask."
)


def authorize(plan: QueryPlan) -> AuthorizedPlan:
    """Return the plan once everything allows it; end the turn otherwise.

    The order is on purpose: who may not ask is told so before he is asked for a slot,
    for consent or for a code.
    """
    actor, query = plan.turn.actor, plan.entry.query
    surroundings = {**plan.turn.surroundings, **context_of(plan.slots)}
    judgement = judge(actor, plan.entry, now=plan.turn.now, context=surroundings)
    missing = _missing_slot(plan) or _unfit_slot(plan)
    if not judgement.is_allowed:
        if NOT_FRESH in judgement.decision.reasons:
            raise _ended(plan, judgement, _sign_in_again(plan))
        if missing and _waits_for_slot(judgement):
            raise _ended(plan, judgement, _asked(plan, missing))
        raise _ended(plan, judgement, _denied(plan))
    if purpose := _consent_needed(actor, query.purposes):
        raise _ended(plan, judgement, _consent_required(purpose))
    if missing:
        raise _ended(plan, judgement, _asked(plan, missing))
    if judgement.needs_step_up:
        raise _ended(plan, judgement, _step_up(plan))
    parameters = _parameters(plan)
    try:
        bound = _bound(plan, judgement.views, parameters)
    except QueryRefused as refused:
        raise _ended(plan, judgement, _unbound(plan, refused)) from None
    return _with_units(
        AuthorizedPlan(
            plan=plan,
            decision=judgement.decision,
            parameters=parameters,
            views=judgement.views,
            bound=bound,
            release=judgement.release,
        )
    )


def _with_units(authorized: AuthorizedPlan) -> AuthorizedPlan:
    """Return the plan of an aggregate with what tells its groups apart from others."""
    entry, bound = authorized.plan.entry, authorized.bound
    if bound is None or not bound.counts_persons:
        return authorized
    columns = grid_of(entry)
    units = bind_units(
        entry.checked(),
        views=authorized.views,
        parameters=authorized.parameters,
        grid=columns,
        salt=f"released-groups:{authorized.turn.actor.id}",
    )
    (spec,) = entry.checked().datasets.values()
    source = entry.source.id if entry.source else ""
    relation = f"{source}:{spec.relation}"
    basis = f"{spec.person_column}:{','.join(columns)}:{','.join(spec.by_name)}"
    grid = Grid(
        crypto.blind_index("released-relation", relation),
        crypto.blind_index("released-basis", basis),
    )
    return replace(authorized, units=units, grid=grid)


def _ended(plan: QueryPlan, judgement: Judgement, reply: Reply) -> TurnEnded:
    return TurnEnded(
        plan.turn,
        Reply(
            status=reply.status,
            text=reply.text,
            plan=plan,
            decision=judgement.decision,
            pending=reply.pending,
            extra=reply.extra,
        ),
    )


def _unbound(plan: QueryPlan, refused: QueryRefused) -> Reply:
    if not isinstance(refused, ColumnRefused):
        return _denied(plan)
    extra: dict[str, Json] = {
        "error": INSUFFICIENT,
        "code": "column_not_available",
        "required": plan.entry.query.permission,
    }
    return Reply(MessageStatus.DENIED, str(refused), extra=extra)


def _denied(plan: QueryPlan) -> Reply:
    query = plan.entry.query
    extra: dict[str, Json] = {"error": INSUFFICIENT, "required": query.permission}
    message = denied_message(query.resource_type or "this")
    return Reply(MessageStatus.DENIED, message, extra=extra)


def _waits_for_slot(judgement: Judgement) -> bool:
    """Whether only what a slot would tell is missing from a condition."""
    kinds = {reason.kind for reason in judgement.decision.reasons}
    return "attribute_missing" in kinds and kinds <= {"attribute_missing", "no_grant"}


def _missing_slot(plan: QueryPlan) -> str:
    wanted = (name for name in plan.entry.required_slots if name not in plan.slots)
    return next(wanted, "")


def _unfit_slot(plan: QueryPlan) -> str:
    """Return the first slot whose value the query's schema does not take."""
    taken = plan.entry.properties
    given = {name: value for name, value in plan.slots.items() if name in taken}
    # The schema itself was checked when the entry was published.
    validator = jsonschema.Draft202012Validator(plan.entry.query.parameters)
    wrong = (error.path[0] for error in validator.iter_errors(given) if error.path)
    return str(next(wrong, ""))


def _asked(plan: QueryPlan, slot: str) -> Reply:
    plan = replace(plan, slots={k: v for k, v in plan.slots.items() if k != slot})
    options: list[Json] = [
        {"text": str(value), "slot": slot, "value": value}
        for value in _enumerated(plan.entry.properties.get(slot, {}))
    ]
    extra: dict[str, Json] = {"missing": [slot], "options": options}
    return Reply(
        MessageStatus.CLARIFY,
        QUESTIONS.get(slot, f"Please tell me the {slot.replace('_', ' ')}."),
        extra=extra,
        pending=Pending(PendingKind.SLOT, plan, slot),
    )


def _enumerated(rule: Mapping[str, Json]) -> list[Json]:
    values = rule.get("enum", [])
    return list(values) if isinstance(values, list) else []


def _consent_needed(actor: Actor, purposes: list[str]) -> str:
    missing = (key for key in purposes if consent_missing(actor, key))
    return next(missing, "")


def _consent_required(purpose: str) -> Reply:
    extra: dict[str, Json] = {
        "error": "Consent required",
        "request_consent": True,
        "purpose": purpose,
    }
    return Reply(MessageStatus.CONSENT_REQUIRED, CONSENT_MESSAGE, extra=extra)


def _step_up(plan: QueryPlan) -> Reply:
    """Ask for a code where there is a session and a factor to ask for."""
    actor = plan.turn.actor
    if actor.is_connected_app:
        return _sign_in_again(plan)
    person = actor.person
    can_ask = (
        actor.can_step_up
        and actor.session_id is not None
        and plan.turn.conversation is not None
    )
    if not can_ask or not isinstance(person, User) or not factor_methods(person):
        text = FACTOR_MESSAGE if actor.can_step_up else KEY_MESSAGE
        return _refusal(plan, text, code="factor_required")
    pending = Pending(PendingKind.STEP_UP, plan)
    return Reply(MessageStatus.MFA_REQUIRED, MFA_MESSAGE, pending=pending)


def _sign_in_again(plan: QueryPlan) -> Reply:
    return _refusal(plan, SIGN_IN_MESSAGE, code="fresh_sign_in_required")


def _refusal(plan: QueryPlan, message: str, *, code: str) -> Reply:
    extra: dict[str, Json] = {
        "error": INSUFFICIENT,
        "code": code,
        "required": plan.entry.query.permission,
    }
    return Reply(MessageStatus.DENIED, message, extra=extra)


def _parameters(plan: QueryPlan) -> dict[str, AttributeValue]:
    """Return the slots that the query takes and the caller's own attributes.

    Whoever the caller is comes from the session, never from a slot.
    """
    taken = plan.entry.properties
    known = with_year(plan.slots, taken, today=plan.turn.now.date())
    given: dict[str, AttributeValue] = {
        name: Decimal(str(value)) if isinstance(value, float) else value
        for name, value in known.items()
        if name in taken
    }
    return {**dict.fromkeys(taken), **given, **_caller(plan.turn.actor)}


def _caller(actor: Actor) -> dict[str, AttributeValue]:
    attributes = actor.person.policy_attributes() if actor.person else {}
    names = ("username", "team", "region", "department")
    # An unset attribute is NULL, which equals nothing: not even another unset one.
    return {f"caller_{name}": attributes.get(name) or None for name in names}


def _bound(
    plan: QueryPlan,
    views: Mapping[str, DatasetView],
    parameters: Mapping[str, AttributeValue],
) -> BoundQuery | None:
    if plan.entry.query.kind != QueryKind.SQL:
        return None
    return bind_query(
        plan.entry.checked(),
        views=views,
        parameters=parameters,
        max_rows=plan.entry.query.max_rows,
    )

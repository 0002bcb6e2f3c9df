"""The one place that combines grants. Checks and explanations run the same code.

Denies override. An allow whose condition is not TRUE grants nothing; a deny whose
condition is not FALSE denies. Asked without a resource, what depends on one neither
grants nor denies: it comes back as a row filter (`rbac.policy.scopes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rbac.policy.conditions import Condition
from rbac.policy.roles import Grant
from rbac.policy.values import Bindings

Outcome = Literal["allow", "deny", "step_up"]
ReasonKind = Literal[
    "granted",
    "denied_by_role",
    "no_grant",
    "condition_not_met",
    "attribute_missing",
    "condition_unreadable",
    "resource_not_covered",
    "resource_needed",
    "step_up_needed",
    "aggregate_only",
    "inactive",
    "object_permission",
    "not_for_service_accounts",
    "outside_scope",
    "step_up_not_possible",
    "sign_in_not_fresh",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, for people and programs: which role, which grant, what was missing."""

    kind: ReasonKind
    text: str
    role: str = ""
    # From the assigned role down to the one that holds the grant.
    path: tuple[str, ...] = ()
    grant: str = ""
    condition: str = ""
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one question, with its reasons; nothing but `allow` allows."""

    outcome: Outcome
    permission: str
    reasons: tuple[Reason, ...]
    roles: tuple[str, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether the actor may."""
        return self.outcome == "allow"

    @property
    def reason(self) -> str:
        """Return the first reason's words."""
        return self.reasons[0].text if self.reasons else ""


class Held(NamedTuple):
    """A grant as somebody holds it: through which chain of roles."""

    grant: Grant
    path: tuple[str, ...]


class Question(NamedTuple):
    """What is asked, of whom, about what, when."""

    permission: str
    bindings: Bindings
    has_stepped_up: bool = False


Trace = list[Reason] | None


def resolve(held: Sequence[Held], question: Question, trace: Trace = None) -> Outcome:
    """Return the outcome of the grants that cover the permission; tell why."""
    if is_denied(held, question, trace):
        return "deny"
    outcome: Outcome = "deny"
    for item in held:
        if item.grant.effect != "allow" or not _allows(item, question, trace):
            continue
        if not item.grant.requires_step_up or question.has_stepped_up:
            _tell(trace, item, "granted", _granted_text(item, question.permission))
            return "allow"
        text = f"{item.grant.role} grants it after a fresh second factor"
        _tell(trace, item, "step_up_needed", text)
        outcome = "step_up"
    return outcome


def is_denied(held: Sequence[Held], question: Question, trace: Trace = None) -> bool:
    """Whether one of the denies applies."""
    return any(
        item.grant.effect == "deny" and _denies(item, question, trace) for item in held
    )


def applicable(item: Held, question: Question, *, trace: Trace = None) -> bool:
    """Whether an allow's condition holds as far as it can be known without rows."""
    condition = item.grant.condition
    if condition is None or condition.evaluate(question.bindings):
        return True
    if condition.needs_resource and question.bindings.resource is None:
        _tell(trace, item, "resource_needed", _needs_text(condition), condition)
        return False
    _tell_unmet(trace, item, condition, question.bindings)
    return False


def _allows(item: Held, question: Question, trace: Trace) -> bool:
    if not applicable(item, question, trace=trace):
        return False
    rows = item.grant.row_filter
    if rows is None or question.bindings.resource is None:
        return True
    if rows.evaluate(question.bindings):
        return True
    missing = rows.missing(question.bindings)
    kind: ReasonKind = "attribute_missing" if missing else "resource_not_covered"
    text = f"{item.grant.role} grants it only where {rows.text}"
    text += f"; missing: {', '.join(missing)}" if missing else _with(rows, question)
    _tell(trace, item, kind, text, rows)
    return False


def _denies(item: Held, question: Question, trace: Trace) -> bool:
    denial = item.grant
    if denial.columns is not None:
        return False
    for condition in (denial.condition, denial.row_filter):
        if condition is None:
            continue
        answer = condition.evaluate(question.bindings)
        if condition.needs_resource and question.bindings.resource is None:
            answer = bool(answer)
        if answer is False:
            return False
    text = f"{denial.role} denies {denial.code}"
    for condition in (denial.condition, denial.row_filter):
        if condition is not None:
            text += f" where {condition.text}"
    _tell(trace, item, "denied_by_role", text, denial.condition or denial.row_filter)
    return True


def _granted_text(item: Held, permission: str) -> str:
    text = f"{item.grant.role} grants {permission}"
    if item.grant.code != permission:
        text += f" by {item.grant.code}"
    if len(item.path) > 1:
        text += f" (inherited by {item.path[0]})"
    return text


def _with(condition: Condition, question: Question) -> str:
    values = condition.values(question.bindings)
    return f" (here {values})" if values else ""


def _needs_text(condition: Condition) -> str:
    return f"it depends on the resource: {condition.text}"


def _tell_unmet(
    trace: Trace, item: Held, condition: Condition, bindings: Bindings
) -> None:
    if trace is None:
        return
    if condition.error:
        text = f"the condition of {item.grant.role} cannot be read: {condition.error}"
        _tell(trace, item, "condition_unreadable", text, condition)
        return
    head = f"{item.grant.role} grants it only if {condition.text}"
    missing = condition.missing(bindings)
    if missing and condition.evaluate(bindings) is None:
        text = f"{head}; missing: {', '.join(missing)}"
        _tell(trace, item, "attribute_missing", text, condition, missing)
        return
    text = f"{head} (here {condition.values(bindings)})"
    _tell(trace, item, "condition_not_met", text, condition)


def _tell(  # noqa: PLR0913, PLR0917 - the parts of one reason
    trace: Trace,
    item: Held,
    kind: ReasonKind,
    text: str,
    condition: Condition | None = None,
    attributes: Iterable[str] = (),
) -> None:
    if trace is not None:
        trace.append(
            Reason(
                kind=kind,
                text=text,
                role=item.grant.role,
                path=item.path,
                grant=item.grant.code,
                condition=condition.text if condition else "",
                attributes=tuple(attributes),
            )
        )

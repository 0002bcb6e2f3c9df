"""The eight steps of one authorization check, with the real answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap

from accounts.models import User
from rbac import selectors
from rbac.pages.drawing import FLOW_BOLD_CHARACTERS, FLOW_CHARACTERS
from rbac.policy import Decision, Snapshot
from rbac.services import as_actor, decide, effective_permissions

QUESTIONS = {"read_team_sales": "Show me team sales for Q4"}
MAX_COLLECTED = 12
STEP_GAP, STEP_LINE = 16, 17
RESULTS = {
    "allow": ("granted", "✓ GRANTED"),
    "deny": ("denied", "✗ DENIED"),
    "step_up": ("waits", "✗ NOT YET: a fresh second factor is needed"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step."""

    number: int
    text: str
    kind: str
    lines: tuple[tuple[str, int], ...]
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Flow:
    """One check, from the question to the answer."""

    user: User
    decision: Decision
    steps: tuple[Step, ...]
    # Names of the roles along the deciding grant.
    path: tuple[str, ...]
    height: int


def flow_of(user: User, code: str, *, labels: Mapping[str, str]) -> Flow:
    """Return the steps of asking now whether the person may; the answer is real."""
    actor = as_actor(user)
    decision = decide(actor, code)
    snapshot = selectors.current_snapshot()
    given = selectors.role_names(user) if user.is_active else ()
    roles = [labels.get(name, name) for name in given]
    kind, answer = RESULTS[decision.outcome]
    reason = decision.reason
    texts = [
        ("", _question(code)),
        ("", f"System identifies user: {user.username} ({_listed(roles)})"),
        ("", f"System retrieves roles: [{', '.join(roles)}]"),
        ("", f"System resolves permissions: {_inheritance(snapshot, given, labels)}"),
        ("", f"Collected permissions: [{_collected(effective_permissions(actor))}]"),
        ("", f'System checks required permission: "{code}"'),
        (kind, f"Permission check: {answer} ({reason})"),
        (kind, _ending(decision, user)),
    ]
    steps, y = [], 0
    for number, (step_kind, text) in enumerate(texts, start=1):
        steps.append(_step(number, text, step_kind, y))
        y += steps[-1].height + STEP_GAP
    path = decision.reasons[0].path if decision.is_allowed else ()
    return Flow(user, decision, tuple(steps), path, y)


def _listed(roles: list[str]) -> str:
    return ", ".join(roles) or "no role"


def _question(code: str) -> str:
    if code in QUESTIONS:
        return f'User makes query: "{QUESTIONS[code]}"'
    return f"User makes a query that needs {code}"


def _inheritance(
    snapshot: Snapshot, given: tuple[str, ...], labels: Mapping[str, str]
) -> str:
    inherited: dict[str, None] = {}
    for name in given:
        if name in snapshot.roles:
            inherited |= dict.fromkeys(snapshot.roles[name].closure[1:])
    parts = [f"Inherits from {labels.get(name, name)}" for name in inherited]
    return " → ".join([*parts, "Own permissions"])


def _collected(codes: tuple[str, ...]) -> str:
    shown = ", ".join(codes[:MAX_COLLECTED])
    more = len(codes) - MAX_COLLECTED
    return f"{shown}, and {more} more" if more > 0 else shown


def _ending(decision: Decision, user: User) -> str:
    if decision.is_allowed:
        known = ", ".join(
            f"{name} = {value}"
            for name, value in user.policy_attributes().items()
            if name not in {"id", "username"} and value is not None
        )
        return f"Query executes with user context ({known or 'no attributes'})"
    return "Nothing is executed; the user is told what is missing"


def _step(number: int, text: str, kind: str, y: int) -> Step:
    # What is coloured is bold, and wider.
    width = FLOW_BOLD_CHARACTERS if kind else FLOW_CHARACTERS
    words = wrap(text, width) or [""]
    lines = tuple((line, y + 14 + at * STEP_LINE) for at, line in enumerate(words))
    return Step(number, text, kind, lines, y, max(28, len(words) * STEP_LINE + 6))

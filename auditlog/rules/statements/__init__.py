"""One SQL statement per rule, over all people at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from auditlog.constants import RuleKind
from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements import (
    counting,
    distinct,
    dormant,
    drift,
    first_seen,
    ordered,
    risk,
    surprise,
)
from auditlog.rules.statements.common import Exempt, Statement, Turn
from auditlog.rules.statements.origin import is_of_young_places, newcomers
from auditlog.rules.statements.screening import Pass, Screen, named, passes

_BUILDERS: Final[Mapping[RuleKind, Callable[[RuleSpec, Span, Exempt], Statement]]] = {
    "event_count": counting.statement,
    "value_count": distinct.value_statement,
    "value_sum": counting.statement,
    "temporal_ordered": ordered.statement,
    "new_value": first_seen.statement,
    "baseline": counting.statement,
    "off_hours": counting.statement,
    "drift": drift.statement,
    "dormant": dormant.statement,
    "surprise": surprise.statement,
    "risk": risk.statement,
}
# Of which it can be said beforehand who may be found at all.
_SCREENS: Final[Mapping[RuleKind, Callable[[RuleSpec, Span, Exempt], Screen]]] = {
    "event_count": counting.screen,
    "value_count": distinct.screen,
    "value_sum": counting.screen,
    "temporal_ordered": ordered.screen,
    "baseline": counting.screen,
    "off_hours": counting.screen,
}


def statement_for(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return the statement whose rows are the rule's episodes that end in the span.

    Columns: whose it is, first and last moment, how many, and other numbers as JSON.
    """
    return _BUILDERS[spec.kind](spec, span, exempt)


def screen_for(spec: RuleSpec, span: Span, exempt: Exempt) -> Screen | None:
    """Return what the rule finds nobody without; None where that is not known."""
    build = _SCREENS.get(spec.kind)
    if build is None:
        return None
    screen = build(spec, span, exempt)
    is_of_places = "origin" in spec.parameters and is_of_young_places(spec.parameters)
    if not is_of_places or spec.group != "actor":
        return screen
    return screen._replace(whom=newcomers(spec.parameters, screen.bound))


__all__ = [
    "Exempt",
    "Pass",
    "Screen",
    "Statement",
    "Turn",
    "named",
    "passes",
    "screen_for",
    "statement_for",
]

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
)
from auditlog.rules.statements.common import Exempt, Statement

_BUILDERS: Final[Mapping[RuleKind, Callable[[RuleSpec, Span, Exempt], Statement]]] = {
    "event_count": counting.count_statement,
    "value_count": distinct.value_statement,
    "value_sum": counting.sum_statement,
    "temporal_ordered": ordered.statement,
    "new_value": first_seen.statement,
    "baseline": counting.baseline_statement,
    "off_hours": counting.off_hours_statement,
    "drift": drift.statement,
    "dormant": dormant.statement,
    "risk": risk.statement,
}


def statement_for(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return the statement whose rows are the rule's episodes that end in the span.

    Columns: whose it is, first and last moment, how many, and other numbers as JSON.
    """
    return _BUILDERS[spec.kind](spec, span, exempt)


__all__ = ["Exempt", "Statement", "statement_for"]

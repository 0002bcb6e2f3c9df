"""The language of detection rules: what can be asked, and the SQL that answers.

The kinds are those of Sigma correlations (event_count, value_count, value_sum,
temporal_ordered) and what the comparison with somebody's own past needs.
"""

from __future__ import annotations

from auditlog.rules.definition import Finding, RuleSpec, Span
from auditlog.rules.floor import FLOOR, find_loosened
from auditlog.rules.own import DIFFERS, FAILING, OWN
from auditlog.rules.parameters import events_of, find_problems, schema_of
from auditlog.rules.statements import statement_for

__all__ = [
    "DIFFERS",
    "FAILING",
    "FLOOR",
    "OWN",
    "Finding",
    "RuleSpec",
    "Span",
    "events_of",
    "find_loosened",
    "find_problems",
    "schema_of",
    "statement_for",
]

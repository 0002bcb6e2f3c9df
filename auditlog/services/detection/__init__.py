"""Detection: rules run over the event log, and what they find becomes alerts."""

from __future__ import annotations

from auditlog.services.detection.activity import refresh_baselines, roll_up_hours
from auditlog.services.detection.changing import (
    RuleTerms,
    change_rule,
    create_rule,
    delete_rule,
)
from auditlog.services.detection.engine import run_rules
from auditlog.services.detection.exempting import (
    approve_exception,
    end_exception,
    make_exception,
)
from auditlog.services.detection.trials import open_trial
from auditlog.services.detection.trying import DryRun, dry_run

__all__ = [
    "DryRun",
    "RuleTerms",
    "approve_exception",
    "change_rule",
    "create_rule",
    "delete_rule",
    "dry_run",
    "end_exception",
    "make_exception",
    "open_trial",
    "refresh_baselines",
    "roll_up_hours",
    "run_rules",
]

"""What chatsec raises by itself: no rule may be called so, as alerts go by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from auditlog.rules.definition import RuleSpec

FAILING: Final = RuleSpec(
    name="rule_failing",
    kind="event_count",
    parameters={},
    window=timedelta(days=1),
    group="everyone",
    severity="error",
    title="A detection rule keeps failing",
    suspicion="Nobody is watching for what the rule looks for",
)
DIFFERS: Final = RuleSpec(
    name="audit_log_differs",
    # Nothing evaluates it: the daily check finds, and counts, by itself.
    kind="drift",
    parameters={},
    window=timedelta(days=2),
    group="everyone",
    severity="critical",
    title="The audit log is not what was sealed",
    suspicion="Somebody changed evidence behind the application",
)
OWN: Final[Mapping[str, RuleSpec]] = {spec.name: spec for spec in (FAILING, DIFFERS)}

"""The four exact rules of the reference chapter, below which no installation goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from auditlog.constants import SEVERITIES
from auditlog.rules.definition import RuleSpec

DENIALS_IN_5_MINUTES: Final = RuleSpec(
    name="denials_in_5_minutes",
    kind="event_count",
    parameters={"events": ["authorization_denied"], "more_than": 3},
    window=timedelta(minutes=5),
    group="actor",
    severity="error",
    title="Refused more than 3 times in 5 minutes",
    suspicion="Multiple authorization failures",
    runbook="denials",
)
DENIALS_IN_1_HOUR: Final = RuleSpec(
    name="denials_in_1_hour",
    kind="event_count",
    parameters={"events": ["authorization_denied"], "more_than": 10},
    window=timedelta(hours=1),
    group="actor",
    severity="error",
    title="Refused more than 10 times in an hour",
    suspicion="Possible privilege escalation attempt",
    runbook="denials",
)
FAILED_SIGN_INS_IN_5_MINUTES: Final = RuleSpec(
    name="failed_sign_ins_in_5_minutes",
    kind="event_count",
    parameters={
        "events": ["accounts.sign_in_failed", "accounts.second_factor_failed"],
        "more_than": 4,
    },
    window=timedelta(minutes=5),
    group="subject",
    severity="error",
    title="5 failed sign-ins in 5 minutes",
    suspicion="Somebody guesses a password",
    runbook="failed_sign_ins",
)
QUERIES_IN_24_HOURS: Final = RuleSpec(
    name="queries_in_24_hours",
    kind="event_count",
    parameters={
        "events": ["chatbot_query"],
        "more_than": 1000,
        "yields_to_declared": True,
    },
    window=timedelta(hours=24),
    group="actor",
    severity="error",
    title="More than 1000 questions in 24 hours",
    suspicion="Possible data exfiltration",
    runbook="volume",
)
FLOOR: Final[Mapping[str, RuleSpec]] = {
    spec.name: spec
    for spec in (
        DENIALS_IN_5_MINUTES,
        DENIALS_IN_1_HOUR,
        FAILED_SIGN_INS_IN_5_MINUTES,
        QUERIES_IN_24_HOURS,
    )
}


_STRICTER: Final = "a floor rule may be made stricter, and nothing else."


def find_loosened(spec: RuleSpec) -> dict[str, list[str]]:
    """Return what makes the rule weaker than its floor, by field; {} if nothing does.

    A lower limit and a longer window are stricter; anything else is another rule.
    """
    floor = FLOOR.get(spec.name)
    if floor is None:
        return {}
    found: dict[str, list[str]] = {}
    for field in ("kind", "group", "risk"):
        if getattr(spec, field) != getattr(floor, field):
            found[field] = [f"A floor rule keeps its {field}."]
    if SEVERITIES.index(spec.severity) < SEVERITIES.index(floor.severity):
        # Routes tell nobody of what is below their severity.
        found["severity"] = [f"At least {floor.severity}: {_STRICTER}"]
    if spec.window < floor.window:
        shortest = int(floor.window.total_seconds())
        found["window_seconds"] = [f"At least {shortest}: {_STRICTER}"]
    if not _is_as_strict(spec.parameters, floor.parameters):
        highest = floor.parameters["more_than"]
        found["parameters"] = [f"more_than: at most {highest}: {_STRICTER}"]
    return found


def _is_as_strict(given: Mapping[str, object], floor: Mapping[str, object]) -> bool:
    limit, highest = given.get("more_than"), floor["more_than"]
    if not isinstance(limit, int) or not isinstance(highest, int):
        return False
    return limit <= highest and {**given, "more_than": highest} == dict(floor)

"""The detection floor of the reference chapter, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires when one actor has more than `more_than` matching events `within`."""

    name: str
    event_type: str
    more_than: int
    within: timedelta
    # How far back a scan looks, so that one that comes late still finds everything.
    look_back: timedelta
    suspicion: str
    # Whether an account's own declared volume stands in for `more_than`.
    yields_to_declared: bool = False

    @property
    def minutes(self) -> int:
        """Return the window in minutes, as alerts state it."""
        return int(self.within.total_seconds() // 60)


DENIALS_IN_5_MINUTES: Final = Rule(
    name="denials_in_5_minutes",
    event_type="authorization_denied",
    more_than=3,
    within=timedelta(minutes=5),
    look_back=timedelta(minutes=30),
    suspicion="Multiple authorization failures",
)
DENIALS_IN_1_HOUR: Final = Rule(
    name="denials_in_1_hour",
    event_type="authorization_denied",
    more_than=10,
    within=timedelta(hours=1),
    look_back=timedelta(hours=2),
    suspicion="Possible privilege escalation attempt",
)
QUERIES_IN_24_HOURS: Final = Rule(
    name="queries_in_24_hours",
    event_type="chatbot_query",
    more_than=1000,
    within=timedelta(hours=24),
    look_back=timedelta(hours=26),
    suspicion="Possible data exfiltration",
    yields_to_declared=True,
)
DENIAL_RULES: Final = (DENIALS_IN_5_MINUTES, DENIALS_IN_1_HOUR)
VOLUME_RULES: Final = (QUERIES_IN_24_HOURS,)
RULES: Final = {rule.name: rule for rule in (*DENIAL_RULES, *VOLUME_RULES)}

"""What verification can find, and the report that it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Fault(StrEnum):
    """What can be wrong."""

    MISSING = "missing"
    CHANGED = "changed"
    EXTRA = "extra"
    UNSEALED = "unsealed"
    BROKEN_SEAL = "broken_seal"
    BROKEN_CHAIN = "broken_chain"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY = "unknown_key"
    NOT_ANCHORED = "not_anchored"
    CLOCK = "clock"


class Finding(NamedTuple):
    """One thing that is not as it was sealed."""

    fault: Fault
    seal: int | None
    event_id: UUID | None = None
    says: str = ""


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    seals: int = 0
    events: int = 0
    pruned: int = 0
    # Younger than the last seal, and so not protected yet.
    unsealed: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether everything is as it was sealed."""
        return not self.findings

    def add(self, other: Report) -> None:
        """Take the other's numbers and findings in."""
        self.seals += other.seals
        self.events += other.events
        self.pruned += other.pruned
        self.unsealed += other.unsealed
        self.findings += other.findings

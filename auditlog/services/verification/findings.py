"""What verification can find, and the report that it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
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
    # What is there now, and what should be: other bytes are another difference. Where
    # it is empty the difference is never a known one.
    state: bytes = b""


def digest(*parts: object) -> bytes:
    """Return one SHA-256 over columns as they are; a missing one is no empty one."""
    fields = [bytes(each) if isinstance(each, memoryview) else each for each in parts]
    return sha256(repr(fields).encode()).digest()


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

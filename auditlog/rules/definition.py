"""One rule as it is evaluated, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from auditlog.constants import RuleGroup, RuleKind, Severity
from chatsec.core.errors import Json


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What a rule looks for, and how it is called."""

    name: str
    kind: RuleKind
    parameters: Mapping[str, Json]
    window: timedelta
    group: RuleGroup
    severity: Severity = "warning"
    title: str = ""
    suspicion: str = ""
    runbook: str = "general"
    # Above 0 it opens no alert: so much is added to the person's risk.
    risk: int = 0

    @property
    def minutes(self) -> int:
        """Return the window in minutes, as alerts state it."""
        return int(self.window.total_seconds() // 60)


class Span(NamedTuple):
    """Between which moments a finding counts; a rule reads further back for it."""

    since: datetime
    until: datetime


class Finding(NamedTuple):
    """One episode of one person's, network's or everybody's behaviour."""

    actor_pseudonym: UUID | None
    group_hash: bytes | None
    first_at: datetime
    last_at: datetime
    count: int  # type: ignore[assignment]  # nobody counts in a finding
    facts: Mapping[str, Json]

    @property
    def key(self) -> tuple[UUID | None, bytes | None]:
        """Return whose episode it is."""
        return self.actor_pseudonym, self.group_hash

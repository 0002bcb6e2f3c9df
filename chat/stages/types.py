"""What passes between the stages; each type names what is proven by then.

A stage takes the type that only the stage before it makes, so that leaving one out
does not type-check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chat.datasets.rewriter import BoundQuery, DatasetView
from chat.datasets.sources import Fetched
from chat.interpretation import SlotValue
from chat.models import Conversation, MessageStatus, PendingKind
from chat.selectors.catalogue import Entry
from chat.services.ledger import Grid
from chat.services.limits import Usage
from chatsec.core.context import Actor, AttributeValue
from chatsec.core.errors import Json, JsonScalar
from rbac.policy import Decision

Cells = tuple[tuple[JsonScalar, ...], ...]


@dataclass(frozen=True, slots=True)
class KeptQuestion:
    """The only form in which a question leaves memory: redacted."""

    text: str
    redactions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Turn:
    """Who asks, where and when. `conversation` is None for who is not signed in."""

    actor: Actor
    conversation: Conversation | None
    now: datetime
    started: float
    usage: Usage | None = None
    # None where a pending question goes on: it has been kept already.
    question: KeptQuestion | None = None
    idempotency_id: UUID | None = None
    # Asked about another moment than the present one.
    surroundings: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdmittedMessage:
    """Size, owner and rate are in order."""

    turn: Turn
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScreenedMessage:
    """The message was looked at for signs of an attack."""

    turn: Turn
    text: str = field(repr=False)
    injection_score: float


@dataclass(frozen=True, slots=True)
class RedactedMessage:
    """The kept form exists; the raw text is for interpretation, in memory only."""

    turn: Turn
    text: str = field(repr=False)
    injection_score: float


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A query of the catalogue with the slots found; nothing is allowed yet."""

    turn: Turn
    entry: Entry
    slots: Mapping[str, SlotValue]
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Release:
    """What allowed a query: the columns and rows of its datasets, by digest."""

    version: int
    permission: str
    # dataset -> column -> digest of the condition for it, "" for all rows.
    cells: Mapping[str, Mapping[str, str]]

    def as_json(self) -> dict[str, Json]:
        """Return what is kept beside the figures."""
        return {
            "version": self.version,
            "permission": self.permission,
            "cells": {name: dict(columns) for name, columns in self.cells.items()},
        }


@dataclass(frozen=True, slots=True)
class AuthorizedPlan:
    """The actor may run this query, with these parameters, over these views."""

    plan: QueryPlan
    decision: Decision
    parameters: Mapping[str, AttributeValue]
    views: Mapping[str, DatasetView]
    bound: BoundQuery | None
    release: Release
    # Of an aggregate: what its groups are made of, and in which grid.
    units: BoundQuery | None = None
    grid: Grid | None = None

    @property
    def turn(self) -> Turn:
        """Return whose turn it is."""
        return self.plan.turn


@dataclass(frozen=True, slots=True)
class FetchedRows:
    """What the source gave within the actor's views, not yet fit to be shown."""

    authorized: AuthorizedPlan
    fetched: Fetched
    units: Fetched | None = None


@dataclass(frozen=True, slots=True)
class ReleasedRows:
    """Rows that may be shown: small groups are gone, no helper column is left."""

    authorized: AuthorizedPlan
    columns: tuple[str, ...]
    rows: Cells
    suppressed: int = 0
    is_cut: bool = False
    text: str = ""
    resource_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What was released, kept apart from the rest of the message."""

    text: str
    columns: tuple[str, ...]
    rows: Cells


@dataclass(frozen=True, slots=True)
class Pending:
    """What the turn waits for."""

    kind: PendingKind
    plan: QueryPlan
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """How the turn ends. `text` holds no figure; with figures it is `figures.text`."""

    status: MessageStatus
    text: str
    plan: QueryPlan | None = None
    decision: Decision | None = None
    figures: Figures | None = None
    release: Release | None = None
    pending: Pending | None = None
    rows: ReleasedRows | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ComposedAnswer:
    """A reply in words, ready to be kept and then shown."""

    turn: Turn
    reply: Reply


class TurnEnded(Exception):
    """A stage answered: refused, asked back, or asked for a code."""

    def __init__(self, turn: Turn, reply: Reply) -> None:
        super().__init__(reply.status)
        self.answer = ComposedAnswer(turn, reply)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets, kept and audited before it exists."""

    id: UUID
    status: str
    message: str
    conversation_id: UUID | None
    created_at: datetime
    query: str = ""
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    rows: Cells = ()
    decision: Mapping[str, Json] | None = None
    redactions: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)
    usage: Usage | None = None

    def body(self) -> dict[str, Json]:
        """Return the body that clients rely on."""
        return {
            "id": str(self.id),
            "status": self.status,
            "message": self.message,
            "query": self.query or None,
            "slots": dict(self.slots),
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "decision": dict(self.decision) if self.decision else None,
            "redactions": [
                {"label": label, "count": count}
                for label, count in sorted(self.redactions.items())
            ],
            "conversation_id": str(self.conversation_id)
            if self.conversation_id
            else None,
            "created_at": self.created_at.isoformat(),
            **self.extra,
        }

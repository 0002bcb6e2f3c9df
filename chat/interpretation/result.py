"""What interpretation hands to the rest of the pipeline: a proposal, never a grant."""

from dataclasses import dataclass, field
from typing import Literal

Band = Literal["answer", "clarify", "out_of_scope"]
SlotValue = int | float | str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One catalogue query and how likely it is meant (0 to 1)."""

    query: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The catalogue query a text most likely asks for.

    Only band "answer" may run. In "clarify" `query` is the best guess and
    `candidates` are what to ask back; in "out_of_scope" `query` is None and
    `slots` is empty. `confidence` is always that of the best catalogue query.
    """

    query: str | None
    slots: dict[str, SlotValue] = field(hash=False)
    band: Band
    confidence: float
    candidates: tuple[Candidate, ...]

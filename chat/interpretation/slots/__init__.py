"""Typed values in a text, lifted out before the sentence is classified.

What a value is cannot move a question to another query, and no part of the text
other than these typed, bounded values reaches a query.
"""

from dataclasses import dataclass
from datetime import date

from chat.interpretation.result import SlotValue
from chat.interpretation.slots.canvas import Canvas
from chat.interpretation.slots.dates import lift_dates
from chat.interpretation.slots.names import lift_known, lift_names, lift_places
from chat.interpretation.slots.numbers import (
    lift_amounts,
    lift_counts,
    lift_note,
    lift_percent,
    lift_sale,
)
from chat.interpretation.slots.spelling import corrected
from chat.interpretation.text import normalise
from chat.interpretation.vocabulary import DEFAULT_VOCABULARY, Vocabulary


@dataclass(frozen=True, slots=True)
class Extraction:
    """The slots of a text, and the text with their kinds in their places."""

    slots: dict[str, SlotValue]
    delexicalised: str


def extract(
    text: str, *, at: date, vocabulary: Vocabulary = DEFAULT_VOCABULARY
) -> Extraction:
    """Find the typed values of a text; equal input gives equal output."""
    canvas = Canvas(corrected(normalise(text), vocabulary))
    lift_note(canvas)
    lift_sale(canvas)
    lift_percent(canvas)
    lift_amounts(canvas)
    lift_known(canvas, vocabulary)
    lift_dates(canvas, at)
    lift_counts(canvas)
    lift_places(canvas, vocabulary)
    lift_names(canvas)
    return Extraction(canvas.slots(), canvas.delexicalised())

"""A short reply to a question of ours: "Which quarter?" - "4"."""

from datetime import UTC, date, datetime

from chat.interpretation.result import SlotValue
from chat.interpretation.slots import extract
from chat.interpretation.vocabulary import DEFAULT_VOCABULARY, Vocabulary

# The same words as part of a sentence in which the value can be nothing else.
_SENTENCES = {
    "amount": "discount of {}",
    "department": "{} department",
    "month": "in {}",
    "percent": "{} %",
    "person": "salary of {}",
    "quarter": "quarter {}",
    "sale_id": "sale number {}",
    "top_n": "top {}",
}


def find_slot(
    slot: str,
    text: str,
    *,
    vocabulary: Vocabulary | None = None,
    at: date | None = None,
) -> SlotValue | None:
    """Return the value of this slot in a reply, within its bounds, or None."""
    reply = text.strip(" \t\r\n.!?")
    for sentence in ("{}", _SENTENCES.get(slot, "{}")):
        found = extract(
            sentence.replace("{}", reply),
            at=at or datetime.now(UTC).date(),
            vocabulary=vocabulary or DEFAULT_VOCABULARY,
        )
        if reply and slot in found.slots:
            return found.slots[slot]
    return None

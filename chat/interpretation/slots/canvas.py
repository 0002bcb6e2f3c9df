"""A text from which recognised values are lifted out, one after the other."""

import re

from chat.interpretation.result import SlotValue
from chat.interpretation.text import lowered

# What a lifted value leaves behind for the classifier: its kind, never itself.
PLACEHOLDERS = {
    "quarter": "qqtime",
    "year": "qqtime",
    "month": "qqtime",
    "date_from": "qqtime",
    "date_to": "qqtime",
    "region": "qqregion",
    "department": "qqdept",
    "product": "qqproduct",
    "person": "qqperson",
    "amount": "qqmoney",
    "percent": "qqpercent",
    "top_n": "qqcount",
    "sale_id": "qqsale",
    "note": "qqnote",
}
_LIFTED = "\x00"
_NO_WORD = re.compile(r"[^\w%]+")


class Canvas:
    """Holds the text in both cases; a lifted place can not be recognised twice."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lower = lowered(text)
        self._places: list[tuple[int, int, str]] = []
        self._values: dict[str, list[SlotValue]] = {}

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing was lifted from this place yet."""
        return _LIFTED not in self.lower[start:end]

    def lift(self, start: int, end: int, values: dict[str, SlotValue]) -> None:
        """Take the values at this place; the place reads as their kind afterwards."""
        for slot, value in values.items():
            self._values.setdefault(slot, []).append(value)
        kinds = dict.fromkeys(PLACEHOLDERS[slot] for slot in values)
        self._places.append((start, end, " ".join(kinds)))
        blank = _LIFTED * (end - start)
        self.text = self.text[:start] + blank + self.text[end:]
        self.lower = self.lower[:start] + blank + self.lower[end:]

    def slots(self) -> dict[str, SlotValue]:
        """One value a slot; a slot with two different values is left out."""
        return {
            slot: values[0]
            for slot, values in self._values.items()
            if all(value == values[0] for value in values)
        }

    def delexicalised(self) -> str:
        """Lower-case words only, with a placeholder in every lifted place."""
        parts: list[str] = []
        at = 0
        for start, end, kind in sorted(self._places):
            parts += [self.lower[at:start], f" {kind} "]
            at = end
        return " ".join(_NO_WORD.sub(" ", "".join([*parts, self.lower[at:]])).split())

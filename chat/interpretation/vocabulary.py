"""The words that name values: regions, departments, products and people."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from chat.interpretation.text import words_of

ValueSlot = Literal["region", "department", "product", "person"]
_HERE = Path(__file__).parent
_SHIPPED = json.loads((_HERE / "vocabulary.json").read_text("utf-8"))
DEPARTMENT_ALIASES: Mapping[str, tuple[str, ...]] = {
    name: tuple(alias.lower() for alias in aliases)
    for name, aliases in _SHIPPED["departments"].items()
}
FIRST_NAMES: frozenset[str] = frozenset(_SHIPPED["first_names"])
# Ordinary words: never taken for a misspelt value or for an unknown surname.
COMMON_WORDS: frozenset[str] = frozenset(
    (_HERE / "words.txt").read_text("utf-8").split()
)
_MONTHS = (
    "january february march april june july august september october november december"
)
_PERIODS = "quarter month year"
_ALWAYS_SPELT = tuple(f"{_MONTHS} {_PERIODS}".split())


@dataclass(frozen=True, slots=True)
class Entry:
    """A phrase of the vocabulary; `is_whole` when it is the value's full name."""

    words: tuple[str, ...]
    slot: ValueSlot
    value: str
    is_whole: bool


@dataclass(frozen=True)
class Vocabulary:
    """Values as the data spells them; they come back so spelled.

    Build one instance and keep it: its index is made once.
    """

    regions: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()

    @cached_property
    def phrases(self) -> Mapping[str, tuple[Entry, ...]]:
        """Entries by their first word, the longest phrase first."""
        by_first: dict[str, list[Entry]] = {}
        for entry in self._entries():
            by_first.setdefault(entry.words[0], []).append(entry)
        return {
            first: tuple(sorted(entries, key=lambda entry: -len(entry.words)))
            for first, entries in by_first.items()
        }

    @cached_property
    def spelling(self) -> "SpellingIndex":
        """Corrects words of regions, departments, months and periods."""
        entries = (
            word
            for entry in self._entries()
            if entry.slot in ("region", "department")
            for word in entry.words
        )
        return SpellingIndex([*entries, *_ALWAYS_SPELT])

    @cached_property
    def names_spelling(self) -> "SpellingIndex":
        """Corrects words of full product and person names."""
        return SpellingIndex(
            word
            for entry in self._entries()
            if entry.slot in ("product", "person") and entry.is_whole
            for word in entry.words
        )

    @cached_property
    def known_words(self) -> frozenset[str]:
        """Every word that is part of a value."""
        return frozenset(word for entry in self._entries() for word in entry.words)

    def _entries(self) -> Iterator[Entry]:
        for value in self.regions:
            yield from _whole(value, "region")
        for value in self.departments:
            yield from _whole(value, "department")
            for alias in DEPARTMENT_ALIASES.get(value, ()):
                yield Entry(tuple(alias.split()), "department", value, is_whole=True)
        yield from _named(self.products, "product")
        yield from _named(self.persons, "person")


class SpellingIndex:
    """Finds the one word at edit distance 1 (a swap of neighbours counts as 1)."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(word for word in words if len(word) >= 4)
        self._by_deletion: dict[str, set[str]] = {}
        for word in self._words:
            for key in _deletions(word):
                self._by_deletion.setdefault(key, set()).add(word)

    def correct(self, word: str) -> str | None:
        """Return the word meant, or None where none or several are close enough."""
        if not 3 <= len(word) <= 40 or word in self._words:
            return None
        close = {
            candidate
            for key in _deletions(word)
            for candidate in self._by_deletion.get(key, ())
            if _is_one_edit(word, candidate)
        }
        return close.pop() if len(close) == 1 else None


def _whole(value: str, slot: ValueSlot) -> Iterator[Entry]:
    words = words_of(value)
    if words:
        yield Entry(words, slot, value, is_whole=True)


def _named(values: tuple[str, ...], slot: ValueSlot) -> Iterator[Entry]:
    """Full names, and single words of them that point at one value only."""
    owners: dict[str, set[str]] = {}
    for value in values:
        yield from _whole(value, slot)
        for word in words_of(value):
            owners.setdefault(word, set()).add(value)
    for word, owned in owners.items():
        (value, *others) = owned
        is_single = (word,) == words_of(value)
        if others or is_single or len(word) < 3 or word in COMMON_WORDS:
            continue
        if slot == "person" or word == words_of(value)[0]:
            yield Entry((word,), slot, value, is_whole=False)


def _deletions(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def _is_one_edit(typed: str, meant: str) -> bool:
    """One insertion, deletion, substitution or swap; short words keep their initial."""
    is_swap = sorted(typed) == sorted(meant)
    if min(len(typed), len(meant)) < 5 and not is_swap and typed[0] != meant[0]:
        return False
    short, long = sorted((typed, meant), key=len)
    if len(long) - len(short) == 1:
        return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
    if len(long) != len(short):
        return False
    wrong = [i for i in range(len(long)) if typed[i] != meant[i]]
    if len(wrong) == 1:
        return True
    return len(wrong) == 2 and wrong[1] - wrong[0] == 1 and is_swap


DEFAULT_VOCABULARY = Vocabulary(
    regions=tuple(_SHIPPED["regions"]),
    departments=tuple(_SHIPPED["departments"]),
    products=tuple(_SHIPPED["products"]),
)

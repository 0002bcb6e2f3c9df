"""Words that mean the same read the same: "takings" and "turnover" are revenue."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from chat.interpretation.vocabulary import COMMON_WORDS, SpellingIndex


def _load() -> Mapping[str, list[tuple[tuple[str, ...], str]]]:
    thesaurus = json.loads(
        (Path(__file__).parent / "thesaurus.json").read_text("utf-8")
    )
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for concept, variants in thesaurus.items():
        for variant in variants:
            words = tuple(variant.split())
            phrases.setdefault(words[0], []).append((words, concept))
    for entries in phrases.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return phrases


_BY_FIRST_WORD = _load()
_SPELLING = SpellingIndex(
    word
    for entries in _BY_FIRST_WORD.values()
    for words, _ in entries
    for word in words
    if len(word) >= 5
)


def conceptual(text: str) -> str:
    """The text in the words of the thesaurus; what it does not know stays."""
    return " ".join(_concepts(text.split()))


def _concepts(words: list[str]) -> Iterator[str]:
    position = 0
    while position < len(words):
        size, concept = _at(words, position)
        position += size
        if concept:
            yield concept


def _at(words: list[str], position: int) -> tuple[int, str]:
    """How many words from here are one concept, and which."""
    word = words[position]
    if word not in _BY_FIRST_WORD and word not in COMMON_WORDS:
        word = _SPELLING.correct(word) or word
    for phrase, concept in _BY_FIRST_WORD.get(word, ()):
        rest = words[position + 1 : position + len(phrase)]
        if tuple(rest) == phrase[1:]:
            return len(phrase), concept
    return 1, word

"""Words that mean the same read the same: "takings" and "turnover" are revenue."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from chat.interpretation.vocabulary import COMMON_WORDS, SpellingIndex

# Ways to begin a request ("could you"); inside a sentence the same words count.
_OPENER = "^"


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
    if len(word) >= 6
)


def conceptual(text: str) -> str:
    """Put the text in the words of the thesaurus; what it does not know stays."""
    return " ".join(_concepts(text.split()))


def _concepts(words: list[str]) -> Iterator[str]:
    position, has_begun = 0, False
    while position < len(words):
        size, concept = _at(words, position)
        if concept == _OPENER:
            concept = " ".join(words[position : position + size]) if has_begun else ""
        position += size
        if concept:
            has_begun = True
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

"""Name, place and common-word lists, read once when first needed."""

import unicodedata
from functools import cache
from pathlib import Path

_DATA = Path(__file__).resolve().parent / "data"


@cache
def words(name: str) -> frozenset[str]:
    """Return the folded entries of one list in ``privacy/pii/data``."""
    text = (_DATA / f"{name}.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split("\n") if line and line[0] != "#")


@cache
def names() -> frozenset[str]:
    """Return all first and last names."""
    return words("first_names") | words("last_names")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set: lists in code stay readable this way."""
    return frozenset(text.split())


def fold(word: str) -> str:
    """Return the accent-free lower-case form in which lists are kept."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))

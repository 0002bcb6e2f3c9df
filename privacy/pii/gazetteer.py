"""Name, place and common-word lists, read once when first needed."""

import unicodedata
from functools import cache
from pathlib import Path

_DATA = Path(__file__).resolve().parent / "data"

# Letters that Unicode does not take apart into a base and a mark.
_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "æ": "ae",
        "œ": "oe",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ə": "e",
    }
    | {"þ": "th", "ð": "d", "ħ": "h"}
)


@cache
def words(name: str) -> frozenset[str]:
    """Return the folded entries of one list in ``privacy/pii/data``."""
    text = (_DATA / f"{name}.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split("\n") if line and line[0] != "#")


@cache
def names() -> frozenset[str]:
    """Return all first and last names."""
    return first_names() | last_names()


@cache
def first_names() -> frozenset[str]:
    """Return the first names."""
    return words("first_names") | words("romanised_first_names")


@cache
def last_names() -> frozenset[str]:
    """Return the last names."""
    return words("last_names") | words("romanised_last_names")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set: lists in code stay readable this way."""
    return frozenset(text.split())


def fold(word: str) -> str:
    """Return the accent-free lower-case form in which lists are kept."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold().translate(_LETTERS))
    return "".join(char for char in plain if not unicodedata.combining(char))

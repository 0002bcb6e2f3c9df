"""Text as every later step sees it: one spelling per character, nothing invisible."""

import re
import unicodedata
from dataclasses import dataclass

MAX_LENGTH = 4000
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2013": "-",
        "\u2014": "-",
    }
)
_CONTROLS = str.maketrans(dict.fromkeys((*range(32), 127), " "))
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Token:
    """A word with its place in the text; `key` is its lower-case form without 's."""

    start: int
    end: int
    text: str
    key: str


def looks_like_code(text: str) -> bool:
    """Exactly six ASCII digits: a verification code, not a question (RFC 6238)."""
    return _CODE.fullmatch(text.strip()) is not None


def normalise(text: str) -> str:
    """NFKC, plain quotes, no control, format or surrogate characters, 4,000 at most."""
    text = text[:MAX_LENGTH]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)[:MAX_LENGTH].translate(_QUOTES)
        text = "".join(_visible(character) for character in text)
    return text.translate(_CONTROLS)


def lowered(text: str) -> str:
    """Lower case of the same length, so that places agree with the original."""
    if text.isascii():
        return text.lower()
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def words_of(phrase: str) -> tuple[str, ...]:
    """Split a phrase into lower-case words, as `tokens` splits a text."""
    normal = normalise(phrase)
    return tuple(token.key for token in tokens(normal, lowered(normal)))


def tokens(text: str, lower: str) -> list[Token]:
    """List the words; a possessive 's belongs to the token but not to its key."""
    found = []
    for match in _WORD.finditer(lower):
        start, end = match.span()
        key = match.group().removesuffix("'s")
        found.append(Token(start, end, text[start:end], key))
    return found


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    return " " if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs") else character

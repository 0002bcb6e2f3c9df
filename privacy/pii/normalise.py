"""A reading form of a text whose positions lead back to the original."""

import unicodedata
from bisect import bisect_left
from dataclasses import dataclass

# Characters that show nothing and are used to break a value apart: soft hyphen,
# zero-width and direction marks, word joiner, variation selectors, BOM.
_INVISIBLE = frozenset(
    (
        *(0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
    )
)
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")  # noqa: RUF001 - that is the point
_QUOTES = {ord(c): "'" for c in "‘’ʼ＇"} | {ord(c): '"' for c in "“”„"}  # noqa: RUF001
_SAME_LENGTH = _DASHES | _QUOTES


@dataclass(frozen=True, slots=True)
class Normalised:
    """``text`` for matching; ``starts`` is None where positions are the original's."""

    text: str
    starts: tuple[int, ...] | None
    original_length: int

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """Return the original positions of the characters from start to end."""
        if self.starts is None:
            return start, end
        last = self.starts[end - 1]
        following = bisect_left(self.starts, last + 1)
        beyond = (
            self.starts[following]
            if following < len(self.starts)
            else self.original_length
        )
        return self.starts[start], beyond if following == end else last + 1


def normalise(text: str) -> Normalised:
    """Return the text in NFKC with plain digits, dashes and no invisible marks."""
    if text.isascii():
        return Normalised(text, None, len(text))
    pieces: list[str] = []
    starts: list[int] = []
    for position, char in enumerate(text):
        if pieces and unicodedata.combining(char):
            joined = unicodedata.normalize("NFKC", pieces[-1] + char)
            if len(joined) == len(pieces[-1]):
                pieces[-1] = joined
                continue
        piece = _read_char(char)
        if piece:
            pieces.append(piece)
            starts.extend([position] * len(piece))
    return Normalised("".join(pieces), tuple(starts), len(text))


def _read_char(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return char
    if code in _SAME_LENGTH:
        return _SAME_LENGTH[code]
    if code in _INVISIBLE:
        return ""
    if (digit := unicodedata.decimal(char, None)) is not None:
        return str(digit)
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    return unicodedata.normalize("NFKC", char).translate(_SAME_LENGTH)

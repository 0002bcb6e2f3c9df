"""How a recognizer is written down, and what its check may look at."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from privacy.pii.labels import PLACEHOLDER, Label

_WORD = re.compile(r"[^\W\d_]+")
_LOOKAROUND = re.compile(r"\(\?<?[!=][^()]*\)")
_BEFORE = 60
_AFTER = 30


@dataclass(frozen=True)
class Candidate:
    """A stretch of normalised text that has a recognizer's form."""

    text: str
    start: int
    end: int

    @cached_property
    def value(self) -> str:
        """The candidate's own characters."""
        return self.text[self.start : self.end]

    @cached_property
    def digits(self) -> str:
        """The candidate's ASCII digits, in order."""
        return "".join(char for char in self.value if "0" <= char <= "9")

    @cached_property
    def words_before(self) -> list[str]:
        """Lower-case words on the left, nearest first."""
        return _words(self.text[max(0, self.start - _BEFORE) : self.start])[::-1]

    @cached_property
    def words_after(self) -> list[str]:
        """Lower-case words on the right, nearest first."""
        return _words(self.text[self.end : self.end + _AFTER])

    @property
    def char_before(self) -> str:
        """The character just before, or an empty string."""
        return self.text[self.start - 1 : self.start]

    @property
    def char_after(self) -> str:
        """The character just after, or an empty string."""
        return self.text[self.end : self.end + 1]

    def is_near(
        self, words: frozenset[str], *, before: int = 8, after: int = 4
    ) -> bool:
        """Tell whether one of these whole words stands close to the candidate."""
        return not words.isdisjoint(self.words_before[:before]) or (
            not words.isdisjoint(self.words_after[:after])
        )

    def follows(self, words: frozenset[str], *, within: int = 3) -> bool:
        """Tell whether one of these whole words stands just before the candidate."""
        return not words.isdisjoint(self.words_before[:within])

    def nearest(self, *sets: frozenset[str]) -> int:
        """Return which set's word stands closest on the left, or -1 for none."""
        for word in self.words_before[:8]:
            for index, words in enumerate(sets):
                if word in words:
                    return index
        return -1


def _words(text: str) -> list[str]:
    """Return the words, without those of a placeholder: "PHONE" there is no cue."""
    return [word.lower() for word in _WORD.findall(PLACEHOLDER.sub(" ", text))]


Check = Callable[[Candidate], float]


@dataclass(frozen=True)
class Rule:
    """A form to look for, and a check that scores what has it (0 = not one).

    ``probe`` is the form in RE2 syntax, never narrower than ``pattern``: it tells in
    linear time whether the pattern is worth running.
    """

    label: Label
    pattern: re.Pattern[str]
    probe: str
    check: Check
    group: int = 0
    resize: Callable[[str, int, int], int] | None = None
    """Given text, start and end, says where the value really ends."""


def rule(
    label: Label, pattern: str, check: Check | float, *, probe: str = "", group: int = 0
) -> Rule:
    """Return a rule; without a probe its pattern must be ASCII-only RE2 syntax."""
    flags = re.VERBOSE if probe else re.VERBOSE | re.ASCII
    return Rule(
        label=label,
        pattern=re.compile(pattern, flags),
        probe=probe or strip_for_probe(pattern),
        check=check if callable(check) else _constant(check),
        group=group,
    )


def cued(
    label: Label, cues: str, value: str, *, check: Check | float = 0.9, joint: int = 4
) -> Rule:
    """Return a rule for a value that only its introduction tells from other codes.

    It reads "passport number is X1234567", "MRN: 99", "account_no=12".
    """
    pattern = (
        rf"(?i)(?<![A-Za-z])(?:{cues})(?![A-Za-z])['\"\]]?"
        rf"(?:[ \t_.:;,=\#'\"()-]{{0,3}}(?:number|num|numbers|no|nr|nbr|code|id|ids|is|"
        rf"was|my|"
        rf"the|his|her|it|its|for|value|date|on|new|ist|es|est|are|ending|details)"
        rf"(?![A-Za-z])['\"]?){{0,{joint}}}"
        rf"[ \t_.:;,=\#'\"()\[>-]{{0,4}}?(?<![A-Za-z0-9])(?P<value>{value})"
        rf"(?![A-Za-z0-9])"
    )
    compiled = re.compile(pattern, re.ASCII)
    return Rule(
        label=label,
        pattern=compiled,
        probe=rf"(?i)(?:{cues})",
        check=check if callable(check) else _constant(check),
        group=compiled.groupindex["value"],
    )


def strip_for_probe(pattern: str) -> str:
    """Return the pattern without look-around, comments and layout, for RE2."""
    return _LOOKAROUND.sub("", "".join(_without_layout(pattern)))


def _without_layout(pattern: str) -> Iterator[str]:
    in_class = escaped = False
    for char in pattern:
        if not escaped and not in_class and char.isspace():
            continue
        yield char
        if not escaped and char in "[]":
            in_class = char == "["
        escaped = char == "\\" and not escaped


def _constant(score: float) -> Check:
    return lambda _: score


def with_digit(score: float, *, least: int = 1) -> Check:
    """Return a check that accepts values with at least so many digits."""
    return lambda found: score if len(found.digits) >= least else 0.0

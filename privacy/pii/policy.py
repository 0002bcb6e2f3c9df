"""What an administrator decides: own recognizers, allow and deny lists, thresholds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import re2

from privacy.pii.labels import Label, Span

_MAX_PATTERN = 500
_MAX_MEMORY = 8 << 20
_LABEL = re.compile(r"[A-Z][A-Z_]{1,31}")
_CONTEXT_CHARS = 60
_WORD = re.compile(r"[^\W_]+")


class InvalidRecognizer(ValueError):
    """The recognizer cannot be used; the message says why."""


@dataclass(frozen=True)
class Recognizer:
    """An administrator's own pattern, in RE2 syntax, so that no text can make it hang.

    With ``context``, one of these words must stand near a match.
    """

    name: str
    label: str
    pattern: str
    context: tuple[str, ...] = ()
    score: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what RE2 cannot run and what would redact everything."""
        if not _LABEL.fullmatch(self.label):
            raise InvalidRecognizer("A label is 2-32 capital letters and underscores.")
        if not 0 < len(self.pattern) <= _MAX_PATTERN:
            raise InvalidRecognizer(f"A pattern has 1 to {_MAX_PATTERN} characters.")
        try:
            compiled = self.compiled
        except re2.error as error:
            raise InvalidRecognizer(f"RE2 refuses the pattern: {error}") from error
        if compiled.search("") or compiled.fullmatch(" "):
            raise InvalidRecognizer("The pattern matches empty text.")

    @cached_property
    def compiled(self) -> "re2._Regexp[str]":
        """The compiled pattern."""
        options = re2.Options()
        options.max_mem = _MAX_MEMORY
        options.log_errors = False
        return re2.compile(self.pattern, options)

    def find(self, text: str) -> Iterator[Span]:
        """Yield the matches that have their context."""
        for match in self.compiled.finditer(text):
            start, end = match.span()
            if start < end and self._has_context(text, start, end):
                yield Span(start, end, self.label, self.score)

    def _has_context(self, text: str, start: int, end: int) -> bool:
        if not self.context:
            return True
        around = text[max(0, start - _CONTEXT_CHARS) : start]
        around += " " + text[end : end + _CONTEXT_CHARS]
        words = {word.lower() for word in _WORD.findall(around)}
        return any(word.lower() in words for word in self.context)


_DEFAULT_THRESHOLDS: Mapping[str, float] = {
    Label.PERSON: 0.5,
    Label.PHONE: 0.6,
    Label.USERNAME: 0.6,
}


def _no_terms() -> dict[str, frozenset[str]]:
    return {}


@dataclass(frozen=True)
class Policy:
    """Which findings count. ``allow`` and ``deny`` hold terms by label.

    An allowed term is never reported under that label, a denied one always is;
    ``"*"`` in ``allow`` is every label. Terms are compared without case.
    """

    recognizers: tuple[Recognizer, ...] = ()
    allow: Mapping[str, frozenset[str]] = field(default_factory=_no_terms)
    deny: Mapping[str, frozenset[str]] = field(default_factory=_no_terms)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    labels: frozenset[str] | None = None

    @property
    def adds(self) -> bool:
        """Whether more can be found than what is built in."""
        return bool(self.recognizers or self.deny)

    def admits(self, span: Span, value: str) -> bool:
        """Tell whether a finding is wanted, sure enough and not allowed."""
        if self.labels is not None and span.label not in self.labels:
            return False
        least = self.thresholds.get(
            span.label, _DEFAULT_THRESHOLDS.get(span.label, 0.5)
        )
        if span.score < least:
            return False
        folded = value.casefold()
        return folded not in self._allowed.get(span.label, ()) and (
            folded not in self._allowed.get("*", ())
        )

    def find_custom(self, text: str) -> Iterator[Span]:
        """Yield what the administrator's recognizers find."""
        for recognizer in self.recognizers:
            yield from recognizer.find(text)

    def find_denied(self, text: str) -> Iterator[Span]:
        """Yield every whole-word occurrence of a denied term."""
        for label, pattern in self._denied:
            for match in pattern.finditer(text):
                yield Span(match.start(), match.end(), label, 1.0)

    @cached_property
    def _allowed(self) -> dict[str, frozenset[str]]:
        return {
            label: frozenset(term.casefold() for term in terms)
            for label, terms in self.allow.items()
        }

    @cached_property
    def _denied(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        patterns = []
        for label, terms in self.deny.items():
            longest_first = sorted((t for t in terms if t), key=len, reverse=True)
            if longest_first:
                union = "|".join(map(re.escape, longest_first))
                found = re.compile(rf"(?i)(?<![^\W_])(?:{union})(?![^\W_])")
                patterns.append((label, found))
        return tuple(patterns)


DEFAULT = Policy()

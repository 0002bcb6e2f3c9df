"""Detect and redact, whole or in chunks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from privacy.pii.engine import find_in_window, is_plain
from privacy.pii.labels import Span
from privacy.pii.operators import Operator, OperatorName, get_operator
from privacy.pii.policy import DEFAULT, Policy, Recognizer
from privacy.pii.windows import BLOCK, Settled, WindowReader


@dataclass(frozen=True)
class Redaction:
    """A redacted text and what was found in the original, by position."""

    text: str
    spans: tuple[Span, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings of each label there were."""
        return Counter(str(span.label) for span in self.spans)


def detect(
    text: str,
    *,
    recognizers: Iterable[Recognizer] = (),
    policy: Policy = DEFAULT,
) -> list[Span]:
    """Return what is personal in the text: sorted spans that do not overlap."""
    reader = _reader(policy, recognizers)
    return [
        Span(piece.offset + span.start, piece.offset + span.end, span.label, span.score)
        for piece in [*reader.feed(text), *reader.finish()]
        for span in piece.spans
    ]


def redact(
    text: str,
    *,
    operator: Operator | OperatorName = "label",
    recognizers: Iterable[Recognizer] = (),
    policy: Policy = DEFAULT,
) -> str:
    """Return the text with every finding replaced by what the operator writes."""
    write = get_operator(operator)
    if not recognizers and not policy.adds and len(text) <= BLOCK and is_plain(text):
        return text
    return redact_with_report(
        text, operator=write, recognizers=recognizers, policy=policy
    ).text


def redact_with_report(
    text: str,
    *,
    operator: Operator | OperatorName = "label",
    recognizers: Iterable[Recognizer] = (),
    policy: Policy = DEFAULT,
) -> Redaction:
    """Return the redacted text together with the findings in the original."""
    spans = detect(text, recognizers=recognizers, policy=policy)
    return Redaction(_write(text, spans, get_operator(operator)), tuple(spans))


class StreamRedactor:
    """Redacts a text that arrives in chunks; the outcome is that of the whole text.

    The last few hundred characters are held back until what follows is known.
    """

    def __init__(
        self,
        *,
        operator: Operator | OperatorName = "label",
        recognizers: Iterable[Recognizer] = (),
        policy: Policy = DEFAULT,
    ) -> None:
        self._reader = _reader(policy, recognizers)
        self._operator = get_operator(operator)
        self._counts: Counter[str] = Counter()

    def feed(self, chunk: str) -> str:
        """Return the redacted text that this chunk decides, often nothing yet."""
        return self._join(self._reader.feed(chunk))

    def finish(self) -> str:
        """Return the redacted rest."""
        return self._join(self._reader.finish())

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings of each label there were so far."""
        return Counter(self._counts)

    def _join(self, pieces: list[Settled]) -> str:
        for piece in pieces:
            self._counts.update(str(span.label) for span in piece.spans)
        return "".join(
            _write(piece.text, piece.spans, self._operator) for piece in pieces
        )


def _reader(policy: Policy, recognizers: Iterable[Recognizer]) -> WindowReader:
    extra = tuple(recognizers)
    if extra:
        policy = replace(policy, recognizers=(*policy.recognizers, *extra))
    return WindowReader(lambda window: find_in_window(window, policy))


def _write(text: str, spans: Iterable[Span], operator: Operator) -> str:
    pieces: list[str] = []
    position = 0
    for span in spans:
        pieces.append(text[position : span.start])
        pieces.append(operator(str(span.label), text[span.start : span.end]))
        position = span.end
    pieces.append(text[position:])
    return "".join(pieces)

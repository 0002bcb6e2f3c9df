"""One window of text in, its findings out; overlaps resolved, always the same way."""

from collections.abc import Iterable, Iterator
from functools import cache

import re2

from privacy.pii.candidates import is_quiet
from privacy.pii.labels import PLACEHOLDER, Label, Span
from privacy.pii.normalise import Normalised, normalise
from privacy.pii.people import find_people
from privacy.pii.policy import Policy
from privacy.pii.recognizers import BUILT_IN
from privacy.pii.rules import Candidate

# Longer and surer wins; among equals the kind that says more about the text.
_PRECEDENCE = {
    Label.SECRET: 9,
    Label.ADDRESS: 8,
    Label.URL: 7,
    Label.EMAIL: 7,
    Label.CREDIT_CARD: 6,
    Label.IBAN: 6,
    Label.SSN: 5,
    Label.DATE_OF_BIRTH: 5,
    Label.PASSPORT: 4,
    Label.DRIVER_LICENSE: 4,
    Label.EMPLOYEE_ID: 4,
    Label.MEDICAL: 4,
    Label.GEO: 4,
    Label.ACCOUNT: 3,
    Label.PHONE: 3,
    Label.IP: 3,
    Label.USERNAME: 2,
    Label.BIOMETRIC: 2,
    Label.PERSON: 1,
}
_ROUNDS = 5


@cache
def _probes() -> re2.Set:
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    probes = re2.Set.SearchSet(options)
    for rule in BUILT_IN:
        probes.Add(rule.probe)
    probes.Compile()
    return probes


def is_plain(text: str) -> bool:
    """Whether nothing built in can find anything in a text that fits into one window.

    It is what `find_in_window` finds too, for most sentences at a fraction of the cost.
    """
    return text.isascii() and is_quiet(text) and not _probes().Match(text.encode())


def find_in_window(text: str, policy: Policy) -> list[Span]:
    """Return the window's findings, sorted and without overlaps.

    What a finding hid can be read as something else once it is replaced ("call" before
    a number, say), so the window is read again with the findings replaced, until
    nothing new appears: redaction is then idempotent.
    """
    spans = _find_once(text, policy)
    if not spans:
        return []
    for _ in range(_ROUNDS):
        masked, offsets = _mask(text, spans)
        more = [
            Span(start, end, span.label, span.score)
            for span in _find_once(masked, policy)
            for start, end in [_unmask(span, offsets)]
            if start < end
        ]
        merged = resolve([*spans, *more], keep=frozenset(spans))
        if len(merged) == len(spans):
            break
        spans = merged
    return spans


def _find_once(text: str, policy: Policy) -> list[Span]:
    reading = normalise(text)
    found = [*_find_built_in(reading.text), *find_people(reading.text)]
    found.extend(policy.find_custom(reading.text))
    spans = [
        span
        for span in found
        if policy.admits(span, reading.text[span.start : span.end])
    ]
    spans.extend(policy.find_denied(reading.text))
    barriers = [match.span() for match in PLACEHOLDER.finditer(reading.text)]
    if barriers:
        spans = [span for span in spans if not _crosses(span, barriers)]
    if not spans:
        return []
    return resolve(_to_original(reading, spans))


def _find_built_in(text: str) -> Iterator[Span]:
    hits = _probes().Match(text.encode("utf-8", "replace"))
    for index in hits or ():
        rule = BUILT_IN[index]
        for match in rule.pattern.finditer(text):
            start, end = match.span(rule.group)
            if rule.resize is not None:
                end = rule.resize(text, start, end)
            score = rule.check(Candidate(text, start, end))
            if score > 0:
                yield Span(start, end, rule.label, score)


def _crosses(span: Span, barriers: list[tuple[int, int]]) -> bool:
    return any(span.start < end and start < span.end for start, end in barriers)


def _to_original(reading: Normalised, spans: Iterable[Span]) -> list[Span]:
    if reading.starts is None:
        return list(spans)
    return [
        Span(*reading.to_original(span.start, span.end), span.label, span.score)
        for span in spans
        if span.start < span.end
    ]


def _rank(span: Span) -> tuple[float, ...]:
    precedence = _PRECEDENCE.get(span.label, 10)  # type: ignore[call-overload]
    return (precedence + span.score, span.end - span.start, -span.start)


def resolve(spans: list[Span], *, keep: frozenset[Span] = frozenset()) -> list[Span]:
    """Return the spans that win, sorted; what a loser had beyond a winner is kept."""
    chosen: list[Span] = []
    for span in sorted(spans, key=lambda one: (one in keep, *_rank(one)), reverse=True):
        piece: Span | None = span
        for other in chosen:
            if piece is None:
                break
            piece = _cut(piece, other)
        if piece is not None:
            chosen.append(piece)
    return sorted(chosen)


def _cut(span: Span, winner: Span) -> Span | None:
    if span.end <= winner.start or winner.end <= span.start:
        return span
    left, right = winner.start - span.start, span.end - winner.end
    if max(left, right) <= 3 or span.label in {Label.PERSON, Label.USERNAME}:
        return None
    if left >= right:
        return Span(span.start, winner.start, span.label, span.score)
    return Span(winner.end, span.end, span.label, span.score)


def _mask(text: str, spans: list[Span]) -> tuple[str, list[tuple[int, int, int, int]]]:
    """Replace the spans; return where each kept stretch went (new, old positions)."""
    pieces: list[str] = []
    kept: list[tuple[int, int, int, int]] = []
    length = position = 0
    for span in spans:
        plain = text[position : span.start]
        kept.append((length, length + len(plain), position, span.start))
        token = label_token(span.label)
        pieces += [plain, token]
        length += len(plain) + len(token)
        position = span.end
    kept.append((length, length + len(text) - position, position, len(text)))
    pieces.append(text[position:])
    return "".join(pieces), kept


def _unmask(span: Span, kept: list[tuple[int, int, int, int]]) -> tuple[int, int]:
    for new_start, new_end, old_start, _ in kept:
        if new_start <= span.start and span.end <= new_end:
            shift = old_start - new_start
            return span.start + shift, span.end + shift
    return 0, 0


_SHORT = {Label.CREDIT_CARD: "CC"}


def label_token(label: str) -> str:
    """Return the label operator's text, such as ``[EMAIL_REDACTED]``."""
    return f"[{_SHORT.get(label, label)}_REDACTED]"  # type: ignore[call-overload]

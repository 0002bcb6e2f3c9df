"""Person names: name lists and cues propose, a small tagger judges."""

from collections.abc import Iterator

from privacy.pii.candidates import (
    ORG_AFTER,
    WEAK_CUES,
    Run,
    Token,
    ambiguous,
    before,
    is_quiet,
    propose,
    strong_cue,
    tokenise,
)
from privacy.pii.gazetteer import first_names, names, words
from privacy.pii.labels import Label, Span
from privacy.pii.tagger import get_tagger, units

_REACH = 10  # words a side that the tagger reads


def find_people(text: str) -> Iterator[Span]:
    """Yield the stretches of text that name a person."""
    if is_quiet(text):
        return
    tokens = tokenise(text)
    runs = list(propose(text, tokens))
    if not runs:
        return
    certainty = _judge(text, tokens, runs)
    for run in runs:
        score = _score(text, tokens, run, certainty)
        if score > 0:
            yield _span(text, tokens, run, score)


def _threshold(text: str, tokens: list[Token], run: Run) -> float:
    """Return how sure the tagger must be, given what lists and cues say."""
    folded = [token.folded for token in tokens[run.first : run.last + 1]]
    cue = strong_cue(text, tokens, run.first)
    following = tokens[run.last + 1].folded if run.last + 1 < len(tokens) else ""
    if following in ORG_AFTER:
        return 0.9
    if cue:
        return 0.0
    weak = before(text, tokens, run.first) in WEAK_CUES
    weak = weak or tokens[run.last].text.endswith("'s")
    known = [word in names() for word in folded]
    plain = [word in names() and word not in ambiguous() for word in folded]
    if len(folded) > 1:
        return _threshold_of_several(folded, known, plain)
    if tokens[run.first].is_upper and not plain[0]:
        return 0.9
    if tokens[run.first].is_upper and not text.isupper():
        return 0.7  # an acronym among ordinary words
    return _threshold_of_one(folded[0], plain=plain[0], weak=weak, known=known[0])


def _threshold_of_several(
    folded: list[str], known: list[bool], plain: list[bool]
) -> float:
    first = folded[0] in first_names()
    if " ".join(folded) in words("places"):
        return 0.6
    if first and known[-1] and any(plain):
        return 0.02
    if first and any(plain):
        return 0.15
    return 0.3 if any(known) else 0.6


def _threshold_of_one(word: str, *, plain: bool, weak: bool, known: bool) -> float:
    if word in words("places"):
        if word in ambiguous() or word not in first_names():
            return 0.5 if weak and word in first_names() else 0.75
        return 0.2 if weak else 0.4
    if plain and word in first_names():
        return 0.1 if weak else 0.25
    if known:
        return 0.4 if weak else 0.55
    return 0.8 if weak else 0.9


def _judge(text: str, tokens: list[Token], runs: list[Run]) -> dict[int, float]:
    """Return how likely each word of a run is part of a person's name, by position."""
    certainty: dict[int, float] = {}
    for group in _neighbours(runs):
        left, right = _surroundings(text, tokens, group)
        parts = units(text[left:right])
        wanted = {
            tokens[index].start - left: index
            for run in group
            for index in range(run.first, run.last + 1)
        }
        marks = get_tagger().person_marginals([unit for unit, _ in parts])
        for (_, start), mark in zip(parts, marks, strict=True):
            if start in wanted:
                certainty[wanted[start]] = mark
    return certainty


def _neighbours(runs: list[Run]) -> Iterator[list[Run]]:
    """Yield runs so close together that they share their surroundings."""
    group = [runs[0]]
    for run in runs[1:]:
        if run.first - group[-1].last > 2 * _REACH:
            yield group
            group = []
        group.append(run)
    yield group


def _surroundings(text: str, tokens: list[Token], group: list[Run]) -> tuple[int, int]:
    """Return the part of the text that the tagger reads: some words a side."""
    left = tokens[max(0, group[0].first - _REACH)].start
    last = min(len(tokens) - 1, group[-1].last + _REACH)
    line = text.rfind("\n", left, tokens[group[0].first].start)
    right = text.find("\n", tokens[group[-1].last].end)
    stop = min(len(text), tokens[last].end + 2)
    return (line + 1 if line >= 0 else left), (min(right, stop) if right >= 0 else stop)


def _score(
    text: str, tokens: list[Token], run: Run, certainty: dict[int, float]
) -> float:
    width = range(run.first, run.last + 1)
    mean = sum(certainty.get(index, 0.0) for index in width) / len(width)
    least = _threshold(text, tokens, run)
    if mean < least:
        return 0.0
    return round(0.5 + 0.5 * (mean - least + (1 - least)) / 2, 3)


def _span(text: str, tokens: list[Token], run: Run, score: float) -> Span:
    start, end = tokens[run.first].start, tokens[run.last].end
    if text[end - 2 : end] == "'s":
        end -= 2
    return Span(start, end, Label.PERSON, score)

"""Trains the query classifier from example questions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from pathlib import Path

from chat.interpretation.concepts import conceptual
from chat.interpretation.engine import OUT_OF_SCOPE, band_of
from chat.interpretation.model import LinearModel
from chat.interpretation.result import Band
from chat.interpretation.slots import extract
from chat.interpretation.vocabulary import DEFAULT_VOCABULARY, Vocabulary
from chat.training.linear import fit, with_card

FOLDS = 5
MAX_FALSE_REFUSALS = 0.12
MIN_ANSWER_PRECISION = 0.95
_DATA = Path(__file__).parent.parent / "interpretation"
# Values become placeholders before training, so that any fixed day does.
_ANY_DAY = date(2026, 1, 15)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A classifier ready to be saved, and what was measured on held-out examples."""

    model: LinearModel
    card: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Corpus:
    """Sentences without their values, the same in common words, and their labels."""

    raws: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[str, ...]

    def part(self, wanted: Iterable[bool]) -> "_Corpus":
        """Keep the wanted sentences in their order."""
        chosen = tuple(wanted)
        return _Corpus(
            tuple(compress(self.raws, chosen)),
            tuple(compress(self.texts, chosen)),
            tuple(compress(self.labels, chosen)),
        )


@dataclass(frozen=True, slots=True)
class _Guess:
    """What a model that had not seen the example said about it."""

    label: str
    best: str
    confidence: float
    out_of_scope: float

    @property
    def is_in_scope(self) -> bool:
        return self.label != OUT_OF_SCOPE

    @property
    def lead(self) -> float:
        """How much likelier the best query is than "none of them"."""
        return self.confidence - self.out_of_scope


def train_intents(
    examples: Mapping[str, Sequence[str]],
    *,
    vocabulary: Vocabulary = DEFAULT_VOCABULARY,
    negatives: Sequence[str] | None = None,
) -> TrainedModel:
    """Train a classifier for these queries; the same examples give the same weights.

    Out-of-scope sentences are those shipped, unless others are given. The
    thresholds come from five-fold held-out scores.
    """
    if len(examples) < 2 or OUT_OF_SCOPE in examples:
        raise ValueError("Two queries at least; the out-of-scope class is reserved.")
    questions = {**examples, OUT_OF_SCOPE: negatives or shipped_negatives()}
    corpus = _prepare(questions, vocabulary)
    card = _card(questions, _held_out(corpus))
    model = fit(corpus.texts, corpus.labels, raws=corpus.raws)
    return TrainedModel(with_card(model, card), card)


def shipped_examples() -> dict[str, list[str]]:
    """Read the demo catalogue's example questions by query key."""
    catalogue = json.loads((_DATA / "catalogue_examples.json").read_text("utf-8"))
    return {key: entry["examples"] for key, entry in catalogue.items()}


def shipped_negatives() -> list[str]:
    """Read the sentences that no catalogue query answers."""
    negatives: list[str] = json.loads(
        (_DATA / "background_negatives.json").read_text("utf-8")
    )
    return negatives


def _prepare(questions: Mapping[str, Iterable[str]], vocabulary: Vocabulary) -> _Corpus:
    """Delexicalise, put in the words of the thesaurus, keep each once per label."""
    pairs = dict.fromkeys(
        (extract(text, at=_ANY_DAY, vocabulary=vocabulary).delexicalised, label)
        for label, texts in questions.items()
        for text in texts
    )
    raws = tuple(raw for raw, _ in pairs)
    return _Corpus(
        raws, tuple(conceptual(raw) for raw in raws), tuple(label for _, label in pairs)
    )


def _held_out(corpus: _Corpus) -> list[_Guess]:
    """One guess for each example, by a model trained without its fold."""
    folds = _folds(corpus.labels)
    guesses = []
    for fold in range(FOLDS):
        kept = corpus.part(place != fold for place in folds)
        model = fit(kept.texts, kept.labels, raws=kept.raws)
        left = corpus.part(place == fold for place in folds)
        guesses += [
            _guess(model, raw, text, label)
            for raw, text, label in zip(left.raws, left.texts, left.labels, strict=True)
        ]
    return guesses


def _folds(labels: Sequence[str]) -> list[int]:
    """Every label spread evenly; a label with one example is never held out."""
    sizes = {label: labels.count(label) for label in set(labels)}
    seen: dict[str, int] = {}
    folds = []
    for label in labels:
        place = seen.get(label, 0)
        seen[label] = place + 1
        folds.append(place % FOLDS if sizes[label] > 1 else -1)
    return folds


def _guess(model: LinearModel, raw: str, text: str, label: str) -> _Guess:
    scores = map(float, model.probabilities(text, raw=raw))
    chances = dict(zip(model.labels, scores, strict=True))
    out_of_scope = chances.pop(OUT_OF_SCOPE)
    best = max(chances, key=lambda query: chances[query])
    return _Guess(label, best, chances[best], out_of_scope)


def _card(
    questions: Mapping[str, Sequence[str]], guesses: Sequence[_Guess]
) -> dict[str, object]:
    thresholds = _thresholds(guesses)
    return {
        "thresholds": thresholds,
        "queries": len(questions) - 1,
        "examples": sum(len(texts) for texts in questions.values()),
        "negatives": len(questions[OUT_OF_SCOPE]),
        "held_out": _figures(guesses, thresholds),
    }


def _thresholds(guesses: Sequence[_Guess]) -> dict[str, float]:
    """Say where to refuse and where to answer.

    "clarify": MAX_FALSE_REFUSALS of what is in scope have a smaller lead, and what
    is likelier in scope than out of it is never refused. Held-out
    examples are refused about five times as often as questions in use, because a
    fold takes a fifth of all wordings away.
    "answer": the lowest confidence from which answers are right often enough.
    """
    leads = sorted(guess.lead for guess in guesses if guess.is_in_scope)
    clarify = round(min(0.0, leads[int(MAX_FALSE_REFUSALS * len(leads))]), 4)
    taken = [guess for guess in guesses if guess.lead >= clarify]
    steps = (step / 100 for step in range(30, 100))
    answer = next((step for step in steps if _is_precise(taken, step)), 0.99)
    return {"clarify": clarify, "answer": answer}


def _is_precise(guesses: Sequence[_Guess], confidence: float) -> bool:
    right = [_is_right(guess) for guess in guesses if guess.confidence >= confidence]
    return bool(right) and sum(right) / len(right) >= MIN_ANSWER_PRECISION


def _is_right(guess: _Guess) -> bool:
    return guess.best == guess.label


def _figures(
    guesses: Sequence[_Guess], thresholds: Mapping[str, float]
) -> dict[str, float]:
    inside = [guess for guess in guesses if guess.is_in_scope]
    outside = [guess for guess in guesses if not guess.is_in_scope]
    answered = [g for g in guesses if _band(g, thresholds) == "answer"]
    return {
        "intent_accuracy": _share(_is_right(g) for g in inside),
        "out_of_scope_recall": _share(
            _band(g, thresholds) == "out_of_scope" for g in outside
        ),
        "false_refusals": _share(
            _band(g, thresholds) == "out_of_scope" for g in inside
        ),
        "answered": _share(_band(g, thresholds) == "answer" for g in inside),
        "answer_precision": _share(_is_right(g) for g in answered),
    }


def _band(guess: _Guess, thresholds: Mapping[str, float]) -> Band:
    return band_of(guess.confidence, guess.out_of_scope, **thresholds)


def _share(claims: Iterable[bool]) -> float:
    values = list(claims)
    return round(sum(values) / len(values), 4) if values else 0.0

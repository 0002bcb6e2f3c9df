"""Trains the query classifier from example questions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from chat.interpretation.concepts import conceptual
from chat.interpretation.engine import OUT_OF_SCOPE
from chat.interpretation.model import IntentModel
from chat.interpretation.slots import extract
from chat.interpretation.vocabulary import DEFAULT_VOCABULARY, Vocabulary
from chat.training.linear import fit, with_card

FOLDS = 5
MAX_FALSE_REFUSALS = 0.04
MIN_ANSWER_PRECISION = 0.95
_DATA = Path(__file__).parent.parent / "interpretation"
# Values become placeholders before training, so that any fixed day does.
_ANY_DAY = date(2026, 1, 15)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A classifier ready to be saved, and what was measured on held-out examples."""

    model: IntentModel
    card: Mapping[str, object]


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


def train_intents(
    examples: Mapping[str, Sequence[str]],
    *,
    vocabulary: Vocabulary = DEFAULT_VOCABULARY,
    negatives: Sequence[str] | None = None,
) -> TrainedModel:
    """A classifier for these queries; the same examples give the same weights.

    Out-of-scope sentences are those shipped, unless others are given. The
    thresholds come from five-fold held-out scores.
    """
    if len(examples) < 2 or OUT_OF_SCOPE in examples:
        raise ValueError("Two queries at least; the out-of-scope class is reserved.")
    questions = {**examples, OUT_OF_SCOPE: negatives or shipped_negatives()}
    texts, labels = _prepare(questions, vocabulary)
    guesses = _held_out(texts, labels)
    card = _card(questions, guesses)
    return TrainedModel(with_card(fit(texts, labels), card), card)


def shipped_examples() -> dict[str, list[str]]:
    """The demo catalogue's example questions by query key."""
    catalogue = json.loads((_DATA / "catalogue_examples.json").read_text("utf-8"))
    return {key: entry["examples"] for key, entry in catalogue.items()}


def shipped_negatives() -> list[str]:
    """Sentences that no catalogue query answers."""
    negatives: list[str] = json.loads(
        (_DATA / "background_negatives.json").read_text("utf-8")
    )
    return negatives


def _prepare(
    questions: Mapping[str, Iterable[str]], vocabulary: Vocabulary
) -> tuple[list[str], list[str]]:
    """Delexicalised, in the words of the thesaurus, each once per label."""
    pairs = dict.fromkeys(
        (conceptual(_delexicalised(text, vocabulary)), label)
        for label, texts in questions.items()
        for text in texts
    )
    return [text for text, _ in pairs], [label for _, label in pairs]


def _delexicalised(text: str, vocabulary: Vocabulary) -> str:
    return extract(text, at=_ANY_DAY, vocabulary=vocabulary).delexicalised


def _held_out(texts: Sequence[str], labels: Sequence[str]) -> list[_Guess]:
    """One guess for each example, by a model trained without its fold."""
    folds = _folds(labels)
    guesses = []
    for fold in range(FOLDS):
        kept = [i for i in range(len(texts)) if folds[i] != fold]
        model = fit([texts[i] for i in kept], [labels[i] for i in kept])
        guesses += [
            _guess(model, texts[i], labels[i])
            for i in range(len(texts))
            if folds[i] == fold
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


def _guess(model: IntentModel, text: str, label: str) -> _Guess:
    chances = dict(
        zip(model.labels, map(float, model.probabilities(text)), strict=True)
    )
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
    """Where to refuse and where to answer.

    "clarify": of what is in scope at most MAX_FALSE_REFUSALS fall below it.
    "answer": the lowest confidence from which answers are right often enough.
    """
    in_scope = sorted(guess.confidence for guess in guesses if guess.is_in_scope)
    clarify = float(np.quantile(in_scope, MAX_FALSE_REFUSALS))
    answer = clarify
    for step in range(int(clarify * 100) + 1, 100):
        taken = [guess for guess in guesses if guess.confidence >= answer]
        if not taken or np.mean([_is_right(g) for g in taken]) >= MIN_ANSWER_PRECISION:
            break
        answer = step / 100
    return {"clarify": round(clarify, 4), "answer": round(answer, 4)}


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


def _band(guess: _Guess, thresholds: Mapping[str, float]) -> str:
    if guess.confidence < thresholds["clarify"] or (
        guess.out_of_scope > guess.confidence
    ):
        return "out_of_scope"
    return "answer" if guess.confidence >= thresholds["answer"] else "clarify"


def _share(claims: Iterable[bool]) -> float:
    values = list(claims)
    return round(sum(values) / len(values), 4) if values else 0.0

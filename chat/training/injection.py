"""Trains the prompt-injection classifier and sets its threshold."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chat.guards.engine import (
    ATTACK,
    BENIGN,
    DEFAULT_THRESHOLD,
    STRONG_SIGN_SCORE,
    features,
    model_score,
)
from chat.guards.signs import STRONG, find_signs
from chat.interpretation.model import LinearModel
from chat.training.intents import TrainedModel, shipped_examples, shipped_negatives
from chat.training.linear import Recipe, fit, with_card

FOLDS = 5
MAX_FALSE_ALARMS = 0.008
OWN = "chatsec's own"
RECIPE = Recipe(
    strength=30.0, marks_rare=False, min_word_count=2, min_character_count=4
)
_EXAMPLES = Path(__file__).parent.parent / "guards"
# Out of scope for the catalogue, but not what somebody harmless writes.
_DOUBTFUL = ("password", "admin", "drop table", "select *", "api key", "hack", "bomb")


@dataclass(frozen=True, slots=True)
class Sample:
    """One text of the training data and where it comes from."""

    text: str
    is_attack: bool
    source: str
    licence: str


def train_injection(samples: Sequence[Sample]) -> TrainedModel:
    """Train on all samples; threshold and figures come from held-out scores.

    The bias is moved so that the threshold becomes DEFAULT_THRESHOLD.
    """
    scores = _held_out(samples)
    benign = [
        s for s, sample in zip(scores, samples, strict=True) if not sample.is_attack
    ]
    threshold = float(np.quantile(benign, 1 - MAX_FALSE_ALARMS))
    model = _shifted(_fit(samples), threshold)
    card = _card(samples, scores, threshold)
    return TrainedModel(with_card(model, card), card)


def read_samples(path: Path) -> list[Sample]:
    """Read the public rows of a JSON-lines file and add those that chatsec ships."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    public = [
        Sample(row["text"], bool(row["attack"]), row["source"], row["licence"])
        for row in rows
    ]
    return list(dict.fromkeys([*public, *own_samples()]))


def own_samples() -> list[Sample]:
    """List the attacks and ordinary questions that were written for chatsec."""
    attacks = _texts("attack_examples.json")
    questions = [text for texts in shipped_examples().values() for text in texts]
    harmless = [
        text
        for text in shipped_negatives()
        if not any(word in text.lower() for word in _DOUBTFUL)
    ]
    return [
        *(Sample(text, True, OWN, "own") for text in attacks),
        *(
            Sample(text, False, OWN, "own")
            for text in [*questions, *harmless, *_texts("harmless_examples.json")]
        ),
    ]


def _texts(name: str) -> list[str]:
    texts: list[str] = json.loads((_EXAMPLES / name).read_text("utf-8"))
    return texts


def _fit(samples: Sequence[Sample]) -> LinearModel:
    return fit(
        [features(sample.text) for sample in samples],
        [ATTACK if sample.is_attack else BENIGN for sample in samples],
        recipe=RECIPE,
    )


def _held_out(samples: Sequence[Sample]) -> list[float]:
    """One score for each sample, by a model trained without its fold."""
    scores = [0.0] * len(samples)
    for fold in range(FOLDS):
        model = _fit([s for i, s in enumerate(samples) if i % FOLDS != fold])
        for place in range(fold, len(samples), FOLDS):
            scores[place] = model_score(samples[place].text, model)
    return scores


def _shifted(model: LinearModel, threshold: float) -> LinearModel:
    """Move the bias so that what scored `threshold` scores DEFAULT_THRESHOLD."""
    odds = threshold / (1 - threshold)
    bias = model.bias.copy()
    bias[model.labels.index(ATTACK)] -= math.log(odds)
    return replace(model, bias=bias)


def _card(
    samples: Sequence[Sample], scores: Sequence[float], threshold: float
) -> dict[str, object]:
    flagged = [
        score >= threshold or bool(find_signs(sample.text) & STRONG)
        for sample, score in zip(samples, scores, strict=True)
    ]
    return {
        "thresholds": {ATTACK: DEFAULT_THRESHOLD},
        "strong_sign_score": STRONG_SIGN_SCORE,
        "held_out": [
            _row(name, licence, is_attack, samples, flagged)
            for name, licence, is_attack in sorted(
                {(s.source, s.licence, s.is_attack) for s in samples}
            )
        ],
    }


def _row(
    source: str,
    licence: str,
    is_attack: bool,  # noqa: FBT001 - part of the key
    samples: Sequence[Sample],
    flagged: Sequence[bool],
) -> dict[str, object]:
    mine = [
        flag
        for sample, flag in zip(samples, flagged, strict=True)
        if (sample.source, sample.licence, sample.is_attack)
        == (source, licence, is_attack)
    ]
    return {
        "source": source,
        "licence": licence,
        "attacks": is_attack,
        "texts": len(mine),
        "flagged": round(sum(mine) / len(mine), 4),
    }

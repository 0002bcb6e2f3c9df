"""Cost of understanding one question, and accuracy on the gold set.

The baseline is scikit-learn's own pipeline with the same features and weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import (
    FeatureUnion,
    Pipeline,
)

from benchmarks.measure import Work, interleaved, report, say
from chat.guards import is_attack, score_injection
from chat.interpretation import interpret
from chat.interpretation.slots import extract
from chat.tests.interpretation.gold import TODAY, read, share, utterances
from chat.training.intents import shipped_examples, shipped_negatives
from chat.training.linear import vectorizers

ROUNDS = 2000
GUARD_GOLD = Path(__file__).parent.parent / "chat/tests/guards/gold.jsonl"


def main() -> None:
    """Print microseconds per question and the accuracy figures."""
    _measure_time()
    _measure_accuracy()
    _measure_guard()


def _measure_time() -> None:
    texts = [utterance.text for utterance in utterances()]
    pipeline = _scikit_learn()
    samples = interleaved(
        {
            "scikit-learn pipeline, predict_proba": _each(
                texts, lambda text: pipeline.predict_proba([text])
            ),
            "interpret: slots, classifier, bands": _each(
                texts, lambda text: interpret(text, at=TODAY)
            ),
            "score_injection": _each(texts, score_injection),
        },
        rounds=ROUNDS,
    )
    report("One question", samples, baseline="scikit-learn pipeline, predict_proba")
    for name, taken in samples.items():
        say(f"  {name:<44} p99 {sorted(taken)[int(len(taken) * 0.99)] / 1000:.0f} us")


def _each(texts: list[str], work: Callable[[str], object]) -> Work:
    """Take the next text at every call, so that all take turns over all texts."""
    turn = cycle(texts)
    return lambda: work(next(turn))


def _scikit_learn() -> Pipeline:
    questions = {**shipped_examples(), "oos": shipped_negatives()}
    pairs = [(text, label) for label, texts in questions.items() for text in texts]
    words, characters = vectorizers()
    pipeline = Pipeline(
        [
            ("features", FeatureUnion([("words", words), ("characters", characters)])),
            ("head", LogisticRegression(C=30.0, max_iter=300, tol=1e-3)),
        ]
    )
    return pipeline.fit([text for text, _ in pairs], [label for _, label in pairs])


def _measure_accuracy() -> None:
    asked = [utterance for utterance in utterances() if utterance.query]
    outside = [utterance for utterance in utterances() if not utterance.query]
    readings = [(u, read(u.text)) for u in asked]
    exact = share([extract(u.text, at=TODAY).slots == u.slots for u in asked])
    refused = share([read(u.text).band == "out_of_scope" for u in outside])
    say(f"\nGold set: {len(asked)} questions, {len(outside)} out of scope")
    say(f"  right query       {share([r.query == u.query for u, r in readings]):.3f}")
    say(f"  answered at once  {share([r.band == 'answer' for _, r in readings]):.3f}")
    say(f"  exact slots       {exact:.3f}")
    say(f"  refused, of those out of scope  {refused:.3f}")


def _measure_guard() -> None:
    rows = [json.loads(line) for line in GUARD_GOLD.read_text("utf-8").splitlines()]
    attacks = [is_attack(row["text"]) for row in rows if row["attack"]]
    alarming = [is_attack(row["text"]) for row in rows if not row["attack"]]
    ordinary = [is_attack(utterance.text) for utterance in utterances()]
    say("\nInjection guard, flagged")
    say(f"  of {len(attacks)} attacks                       {share(attacks):.3f}")
    say(f"  of {len(ordinary)} ordinary questions           {share(ordinary):.3f}")
    say(f"  of {len(alarming)} harmless, alarming sentences {share(alarming):.3f}")


if __name__ == "__main__":
    main()

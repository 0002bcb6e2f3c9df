"""From a text to the catalogue query that it most likely asks for."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np

from chat.interpretation.concepts import conceptual
from chat.interpretation.model import LinearModel
from chat.interpretation.pins import INTENTS_SHA256
from chat.interpretation.result import Band, Candidate, Interpretation
from chat.interpretation.slots import Extraction, extract
from chat.interpretation.storage import load_pinned
from chat.interpretation.vocabulary import DEFAULT_VOCABULARY, Vocabulary

OUT_OF_SCOPE = "oos"
MAX_CANDIDATES = 3
MODELS = Path(__file__).parent / "models"


@cache
def shipped_model() -> LinearModel:
    """Load the demo catalogue's model once, and only if it is the pinned file."""
    return load_pinned(MODELS / "intents.npz", sha256=INTENTS_SHA256)


def interpret(
    text: str,
    *,
    vocabulary: Vocabulary | None = None,
    at: date | None = None,
    model: LinearModel | None = None,
) -> Interpretation:
    """Propose a query for any text; no text raises, none becomes part of a query.

    `at` is the day that "last quarter" is counted from (today in UTC if not given).
    """
    extraction = extract(
        text,
        at=at or datetime.now(UTC).date(),
        vocabulary=vocabulary or DEFAULT_VOCABULARY,
    )
    return _decide(extraction, model or shipped_model())


def _decide(extraction: Extraction, model: LinearModel) -> Interpretation:
    candidates, out_of_scope = _rank(extraction.delexicalised, model)
    best = candidates[0]
    band = band_of(
        best.confidence,
        out_of_scope,
        clarify=model.threshold("clarify"),
        answer=model.threshold("answer"),
    )
    if band == "out_of_scope":
        return Interpretation(None, {}, band, best.confidence, ())
    return Interpretation(
        best.query, extraction.slots, band, best.confidence, candidates
    )


def _rank(text: str, model: LinearModel) -> tuple[tuple[Candidate, ...], float]:
    """Order the likeliest queries, best first, and say how likely it is none."""
    chances = model.probabilities(conceptual(text), raw=text)
    out_of_scope = 0.0
    candidates: list[Candidate] = []
    for place in np.argsort(-chances, kind="stable")[: MAX_CANDIDATES + 1]:
        label, chance = model.labels[place], round(float(chances[place]), 4)
        if label == OUT_OF_SCOPE:
            out_of_scope = chance
        else:
            candidates.append(Candidate(label, chance))
    return tuple(candidates[:MAX_CANDIDATES]), out_of_scope


def band_of(
    confidence: float, out_of_scope: float, *, clarify: float, answer: float
) -> Band:
    """Answer, ask back or refuse, by the best query's lead over "none of them"."""
    if confidence - out_of_scope < clarify:
        return "out_of_scope"
    return "answer" if confidence >= answer else "clarify"

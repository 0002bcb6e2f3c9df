"""How much a text looks like an attempt to take over the machine that reads it."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from chat.guards.pins import INJECTION_SHA256
from chat.guards.signs import MAX_LENGTH, STRONG, find_signs, fold
from chat.interpretation.model import LinearModel
from chat.interpretation.storage import load_pinned

ATTACK = "attack"
BENIGN = "benign"
# The model is calibrated so that its threshold lies here.
DEFAULT_THRESHOLD = 0.5
STRONG_SIGN_SCORE = 0.9
# A part has at least and at most so many words.
_SHORTEST, _LONGEST = 4, 30
_SENTENCE_ENDS = frozenset(".?!:;")
MODELS = Path(__file__).parent / "models"


@cache
def shipped_model() -> LinearModel:
    """Load the shipped model once, and only if it is the pinned file."""
    return load_pinned(MODELS / "injection.npz", sha256=INJECTION_SHA256)


def score_injection(text: str) -> float:
    """Score a text from 0 (ordinary) to 1 (an injection); no text raises.

    A long text is read in parts too, so that padding does not thin an attack out.
    """
    floor = STRONG_SIGN_SCORE if find_signs(text) & STRONG else 0.0
    return max(floor, model_score(text, shipped_model()))


def is_attack(text: str) -> bool:
    """Whether the default policy treats the text as an attack."""
    return score_injection(text) >= DEFAULT_THRESHOLD


def model_score(text: str, model: LinearModel) -> float:
    """Return the highest chance of an attack in the text or a part of it."""
    place = model.labels.index(ATTACK)
    scores = (model.probabilities(part)[place] for part in parts(text))
    return round(float(max(scores)), 4)


def parts(text: str) -> Iterator[str]:
    """Yield the text as the classifier reads it: whole, by sentence, and in pairs."""
    yield features(text)
    sentences = list(_sentences(text[:MAX_LENGTH]))
    if len(sentences) > 1:
        yield from map(features, sentences)
        yield from (features(f"{one} {two}") for one, two in pairwise(sentences))


def _sentences(text: str) -> Iterator[str]:
    """Cut a text at its marks; a long run is cut anyway, a short one is not alone."""
    words: list[str] = []
    for word in text.split():
        words.append(word)
        is_end = word[-1] in _SENTENCE_ENDS and len(words) >= _SHORTEST
        if is_end or len(words) == _LONGEST:
            yield " ".join(words)
            words = []
    if words:
        yield " ".join(words)


def features(text: str) -> str:
    """Fold the text and append its signs as words."""
    signs = sorted(find_signs(text))
    return " ".join([" ".join(fold(text).split()), *(f"zz{sign}" for sign in signs)])

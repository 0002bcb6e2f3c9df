"""A linear text classifier, scored with dictionaries and numpy.

Features are those of scikit-learn's TfidfVectorizer (words 1-2 and characters 2-5
inside word boundaries, sublinear counts); a test compares the two.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
WORD_PATTERN = r"(?u)\b\w+\b"
_WORD = re.compile(WORD_PATTERN)
_CHARACTERS = range(2, 6)


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """The n-grams of one kind: where each stands and how rare it is."""

    index: Mapping[str, int]
    rarity: Floats

    def weigh(self, grams: Iterator[str]) -> tuple[list[int], Floats]:
        """Rows and their weights, of length 1 together; empty when none is known."""
        find = self.index.get
        counts = Counter(row for gram in grams if (row := find(gram)) is not None)
        rows = list(counts)
        weights = self.rarity[rows] * [1.0 + math.log(n) for n in counts.values()]
        length = float(np.sqrt(weights @ weights)) if rows else 1.0
        return rows, (weights / length).astype(np.float32)


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Weights, thresholds and the card of one trained classifier."""

    labels: tuple[str, ...]
    words: FeatureTable
    characters: FeatureTable
    weights: Floats
    bias: Floats
    card: Mapping[str, object]

    def probabilities(self, text: str) -> Floats:
        """One probability a label for a text that is lower-case already."""
        word_rows, word_weights = self.words.weigh(word_grams(text))
        rows, weights = self.characters.weigh(character_grams(text))
        shift = len(self.words.index)
        scores = self.bias + word_weights @ self.weights[word_rows]
        scores = scores + weights @ self.weights[[row + shift for row in rows]]
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum(), dtype=np.float32)

    def threshold(self, name: str) -> float:
        """A calibrated threshold from the card; a card without it is an error."""
        thresholds = self.card["thresholds"]
        if not isinstance(thresholds, Mapping):
            raise TypeError("The model's card carries no thresholds.")
        return float(thresholds[name])


def word_grams(text: str) -> Iterator[str]:
    """Words and pairs of neighbouring words."""
    words = _WORD.findall(text)
    yield from words
    yield from map(" ".join, zip(words, words[1:], strict=False))


def character_grams(text: str) -> Iterator[str]:
    """Runs of 2 to 5 characters inside words, a space standing for each boundary."""
    for word in text.split():
        padded = f" {word} "
        length = len(padded)
        for size in _CHARACTERS:
            yield padded[:size]
            for start in range(1, length - size + 1):
                yield padded[start : start + size]
            if size >= length:
                break


def feature_table(grams: Sequence[str], rarity: Floats) -> FeatureTable:
    """A table from grams in row order."""
    return FeatureTable(
        {gram: row for row, gram in enumerate(grams)}, rarity.astype(np.float32)
    )

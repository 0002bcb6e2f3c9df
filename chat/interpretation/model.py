"""A linear text classifier, scored with dictionaries and numpy.

Features are those of scikit-learn's TfidfVectorizer (words 1-2 and characters 2-5
inside word boundaries, sublinear counts); a test compares the two.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
WORD_PATTERN = r"(?u)\b\w+\b"
_WORD = re.compile(WORD_PATTERN)
_CHARACTERS = range(2, 6)
# Stands behind a sentence once for each word that training met less than twice.
RARE = "qqrare"


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
class LinearModel:
    """Weights, thresholds and the card of one trained classifier."""

    labels: tuple[str, ...]
    known: frozenset[str]
    words: FeatureTable
    characters: FeatureTable
    weights: Floats
    bias: Floats
    card: Mapping[str, object]

    def probabilities(self, text: str, *, raw: str = "") -> Floats:
        """One probability a label; `raw` adds only to the characters."""
        marked = mark_rare(text, self.known) if self.known else text
        word_rows, word_weights = self.words.weigh(word_grams(marked))
        spelling = f"{text} {raw}" if raw else text
        rows, weights = self.characters.weigh(character_grams(spelling))
        shift = len(self.words.index)
        scores = self.bias + word_weights @ self.weights[word_rows]
        scores = scores + weights @ self.weights[[row + shift for row in rows]]
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum(), dtype=np.float32)

    def threshold(self, name: str) -> float:
        """Return a calibrated threshold; a card without it is an error."""
        thresholds = self.card["thresholds"]
        if not isinstance(thresholds, Mapping):
            raise TypeError("The model's card carries no thresholds.")
        return float(thresholds[name])


def mark_rare(text: str, known: Collection[str]) -> str:
    """Append RARE once for each word of the text that is not known."""
    return text + "".join(f" {RARE}" for word in text.split() if word not in known)


def word_grams(text: str) -> Iterator[str]:
    """Words and pairs of neighbouring words."""
    words = _WORD.findall(text)
    yield from words
    yield from map(" ".join, pairwise(words))


def character_grams(text: str) -> Iterator[str]:
    """Yield runs of 2 to 5 characters inside words, a space for each boundary."""
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
    """Build a table from grams in row order."""
    return FeatureTable(
        {gram: row for row, gram in enumerate(grams)}, rarity.astype(np.float32)
    )

"""Fits the linear classifier and takes its weights over into the run-time model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import (
    TfidfVectorizer,
)
from sklearn.linear_model import (
    LogisticRegression,
)
from threadpoolctl import threadpool_limits

from chat.interpretation.model import (
    WORD_PATTERN,
    FeatureTable,
    Floats,
    LinearModel,
    feature_table,
    mark_rare,
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a classifier is trained; counts are in how many texts an n-gram is met."""

    strength: float = 30.0
    marks_rare: bool = True
    min_word_count: int = 1
    min_character_count: int = 2


DEFAULT = Recipe()


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    raws: Sequence[str] | None = None,
    recipe: Recipe = DEFAULT,
) -> LinearModel:
    """Train a model without a card; the same input gives the same model.

    `raws` are the sentences before the thesaurus, for their characters only.
    """
    known = _known_words(texts) if recipe.marks_rare else frozenset()
    marked = [mark_rare(text, known) for text in texts] if known else texts
    spelt = [f"{t} {r}" for t, r in zip(texts, raws, strict=True)] if raws else texts
    words, characters = vectorizers(recipe)
    features = hstack(
        [words.fit_transform(marked), characters.fit_transform(spelt)], format="csr"
    )
    head = LogisticRegression(C=recipe.strength, max_iter=300, tol=1e-3)
    # The matrices are small: more threads only wait for each other, and for others.
    with threadpool_limits(limits=1):
        head.fit(csr_matrix(features), labels)
    coefficients, bias = _one_column_a_label(head)
    return LinearModel(
        labels=tuple(str(label) for label in head.classes_),
        known=known,
        words=_table(words),
        characters=_table(characters),
        weights=coefficients,
        bias=bias,
        card={},
    )


def vectorizers(recipe: Recipe = DEFAULT) -> tuple[TfidfVectorizer, TfidfVectorizer]:
    """Build the two kinds of features: words and characters."""
    words = TfidfVectorizer(
        token_pattern=WORD_PATTERN,
        ngram_range=(1, 2),
        sublinear_tf=True,
        min_df=recipe.min_word_count,
    )
    characters = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 5),
        sublinear_tf=True,
        min_df=recipe.min_character_count,
    )
    return words, characters


def _known_words(texts: Sequence[str]) -> frozenset[str]:
    counts = Counter(word for text in texts for word in set(text.split()))
    return frozenset(word for word, count in counts.items() if count > 1)


def _table(vectorizer: TfidfVectorizer) -> FeatureTable:
    return feature_table(list(vectorizer.get_feature_names_out()), vectorizer.idf_)


def with_card(model: LinearModel, card: Mapping[str, object]) -> LinearModel:
    """Give the same weights another card."""
    return replace(model, card=card)


def _one_column_a_label(head: LogisticRegression) -> tuple[Floats, Floats]:
    """With two labels scikit-learn keeps one row only; softmax needs both."""
    coefficients, bias = head.coef_, head.intercept_
    if len(head.classes_) == 2:
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        bias = np.concatenate([np.zeros_like(bias), bias])
    return (
        np.ascontiguousarray(coefficients.T, dtype=np.float32),
        np.asarray(bias, dtype=np.float32),
    )

"""Fits the linear classifier and takes its weights over into the run-time model."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from chat.interpretation.model import WORD_PATTERN, Floats, IntentModel, feature_table


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    strength: float = 30.0,
    min_count: int = 1,
    weights: Sequence[float] | None = None,
) -> IntentModel:
    """A model without a card; the same input gives the same model."""
    words, characters = _vectorizers(min_count)
    features = hstack(
        [words.fit_transform(texts), characters.fit_transform(texts)], format="csr"
    )
    head = LogisticRegression(C=strength, max_iter=2000)
    head.fit(csr_matrix(features), labels, sample_weight=weights)
    coefficients, bias = _one_column_a_label(head)
    return IntentModel(
        labels=tuple(str(label) for label in head.classes_),
        words=feature_table(list(words.get_feature_names_out()), words.idf_),
        characters=feature_table(
            list(characters.get_feature_names_out()), characters.idf_
        ),
        weights=coefficients,
        bias=bias,
        card={},
    )


def with_card(model: IntentModel, card: Mapping[str, object]) -> IntentModel:
    """The same weights with another card."""
    return IntentModel(
        model.labels, model.words, model.characters, model.weights, model.bias, card
    )


def _vectorizers(min_count: int) -> tuple[TfidfVectorizer, TfidfVectorizer]:
    words = TfidfVectorizer(
        token_pattern=WORD_PATTERN,
        ngram_range=(1, 2),
        sublinear_tf=True,
        min_df=min_count,
        dtype=np.float32,
    )
    characters = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 5),
        sublinear_tf=True,
        min_df=min_count,
        dtype=np.float32,
    )
    return words, characters


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

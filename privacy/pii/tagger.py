"""A linear-chain CRF that says how likely each word is part of a person's name."""

import hashlib
import re
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pycrfsuite

from privacy.pii.gazetteer import first_names, fold, last_names, words

MODEL = Path(__file__).resolve().parent / "models" / "names.crfsuite"
MODEL_SHA256 = "7bb37a97754b49b83a83704d6894a0fca23e00578f6a5caea7aa720d9e504ca3"
UNIT = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*|\d+|[^\w\s]|_")


class CorruptModel(RuntimeError):
    """The model file is not the one this code was released with."""


def units(text: str) -> list[tuple[str, int]]:
    """Return words, numbers and signs with the positions where they start."""
    return [(match.group(), match.start()) for match in UNIT.finditer(text)]


def features(sequence: Sequence[str]) -> list[list[str]]:
    """Return the features of each unit: its own, and those of two neighbours a side."""
    own = [_describe(unit) for unit in sequence]
    last = len(own) - 1
    rows: list[list[str]] = []
    for index, (word, shape, lists) in enumerate(own):
        row = ["w=" + word, "s=" + shape, "l=" + lists, "sl=" + shape + lists]
        row.append("e3=" + word[-3:])
        row.append("e2=" + word[-2:])
        row.append("b3=" + word[:3])
        for step in (-2, -1, 1, 2):
            other = index + step
            if other < 0 or other > last:
                row.append(f"{step}edge")
                continue
            near, near_shape, near_lists = own[other]
            row.append(f"{step}w={near}")
            row.append(f"{step}sl={near_shape}{near_lists}")
            if step in (-1, 1):
                row.append(f"{step}l={near_lists}|{lists}")
        rows.append(row)
    return rows


@cache
def _lists() -> tuple[frozenset[str], ...]:
    return (
        first_names(),
        last_names(),
        words("places"),
        words("common_words") | words("ambiguous_names"),
        words("stop_words"),
    )


def _describe(unit: str) -> tuple[str, str, str]:
    if unit.isdigit():
        return "#" * min(len(unit), 5), "d", ""
    if not unit[0].isalpha():
        return unit, "p", ""
    word = fold(unit.removesuffix("'s"))
    lists = "".join(
        letter for letter, group in zip("FLPCS", _lists(), strict=True) if word in group
    )
    return word, _shape(unit), lists


def _shape(unit: str) -> str:
    if unit.islower():
        return "x"
    if unit.isupper():
        return "X" if len(unit) > 1 else "I"
    if unit[0].isupper():
        return "Xx" if unit[1:].islower() else "XxX"
    return "xX"


class Tagger:
    """The released model, loaded once per process when first needed."""

    def __init__(self, path: Path = MODEL, sha256: str = "") -> None:
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != (sha256 or MODEL_SHA256):
            raise CorruptModel(
                f"{path.name} is not the file this release was made with."
            )
        self._tagger = pycrfsuite.Tagger()
        self._raw = raw  # the tagger reads this memory and does not own it
        self._tagger.open_inmemory(self._raw)
        self._lock = threading.Lock()  # one sequence at a time lives in the tagger

    def person_marginals(self, sequence: Sequence[str]) -> list[float]:
        """Return for each unit the probability that it is part of a person's name."""
        rows = features(sequence)
        with self._lock:
            self._tagger.set(rows)
            return [
                self._tagger.marginal("PERSON", index) for index in range(len(rows))
            ]


@cache
def get_tagger() -> Tagger:
    """Return the process's tagger."""
    return Tagger()

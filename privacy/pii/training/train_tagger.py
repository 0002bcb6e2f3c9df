"""Trains ``models/names.crfsuite`` and prints its figures and SHA-256.

Run as ``python -m privacy.pii.training.train_tagger NAMES_JSONL``. The rows are
``{"text", "spans": [[start, end, "PERSON" | "LOCATION" | "ORG"]]}``; they are public
text under CC BY 4.0 (see the model card) and not part of this repository.
"""

import argparse
import hashlib
import json
import random  # noqa: TID251 - a seeded shuffle of training rows, nothing a user sees
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pycrfsuite

from privacy.pii.gazetteer import first_names, last_names, words
from privacy.pii.tagger import MODEL, features, units
from privacy.pii.training.templates import WITH_NAMES, WITHOUT_NAMES

SEED = 20261120
HELD_OUT = 0.15
COPIES_PER_TEMPLATE = 14
_SLOT = re.compile(r"\{([NFLP])\}")

Annotated = list[tuple[int, int, str]]


@dataclass(frozen=True)
class Row:
    """A text with its entities."""

    text: str
    spans: Annotated


def read_rows(path: Path) -> list[Row]:
    """Return the annotated rows of a JSON lines file."""
    with path.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [Row(r["text"], [(s, e, k) for s, e, k in r["spans"]]) for r in records]


def is_held_out(row: Row) -> bool:
    """Tell by the text alone whether the row is kept for testing."""
    digest = hashlib.sha256(row.text.encode()).digest()
    return digest[0] / 256 < HELD_OUT


class Names:
    """Draws names and places from the shipped lists."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lists = {
            "F": sorted(first_names() - words("common_words")),
            "L": sorted(last_names() - words("common_words")),
            "P": sorted(words("places")),
        }

    def draw(self, slot: str) -> str:
        """Return a name for a template's slot, in title case."""
        if slot == "N":
            middle = f" {self._chance.choice('ABCDEJKLMRST')}." * (
                self._chance.random() < 0.08
            )
            return f"{self.draw('F')}{middle} {self.draw('L')}"
        return self._chance.choice(self._lists[slot]).title().replace("'S", "'s")


def fill(template: str, names: Names) -> Row:
    """Return a template with its slots filled and annotated."""
    text, spans, position = "", [], 0
    for match in _SLOT.finditer(template):
        text += template[position : match.start()]
        value = names.draw(match.group(1))
        kind = "LOCATION" if match.group(1) == "P" else "PERSON"
        spans.append((len(text), len(text) + len(value), kind))
        text += value
        position = match.end()
    return Row(text + template[position:], spans)


def replace_people(row: Row, names: Names) -> Row:
    """Return the row with other people in it: the model learns places, not stars."""
    text, spans, position = "", [], 0
    for start, end, kind in sorted(row.spans):
        text += row.text[position:start]
        value = row.text[start:end]
        if kind == "PERSON":
            value = names.draw("N" if " " in value else "F")
        spans.append((len(text), len(text) + len(value), kind))
        text += value
        position = end
    return Row(text + row.text[position:], spans)


def vary(rows: Sequence[Row], chance: random.Random) -> Iterator[Row]:
    """Yield each row, and some again in lower case or capitals."""
    names = Names(chance)
    for row in rows:
        yield row
        if any(kind == "PERSON" for *_, kind in row.spans):
            yield replace_people(row, names)
        draw = chance.random()
        if draw < 0.35:
            yield from _recase(row, str.lower)
        elif draw < 0.45:
            yield from _recase(row, str.upper)
    yield from _fill_templates(names)


def _fill_templates(names: Names) -> Iterator[Row]:
    for template in [*WITH_NAMES, *WITHOUT_NAMES]:
        for copy in range(COPIES_PER_TEMPLATE):
            filled = fill(template, names)
            yield filled
            if copy % 3 == 0:
                yield from _recase(filled, str.lower)
            if copy % 7 == 0:
                yield from _recase(filled, str.upper)


def _recase(row: Row, change: Callable[[str], str]) -> Iterator[Row]:
    text = change(row.text)
    if len(text) == len(row.text):
        yield Row(text, row.spans)


def annotate(row: Row) -> tuple[list[str], list[str]]:
    """Return the row's units and the kind of each."""
    parts = units(row.text)
    kinds = [
        next((k for s, e, k in row.spans if s <= start < e), "O") for _, start in parts
    ]
    return [unit for unit, _ in parts], kinds


def train(rows: Sequence[Row], path: Path, *, c1: float, c2: float) -> None:
    """Write the model trained on the rows and their variants."""
    chance = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for row in vary(rows, chance):
        sequence, kinds = annotate(row)
        if sequence:
            trainer.append(features(sequence), kinds)
    trainer.set_params(
        {"c1": c1, "c2": c2, "max_iterations": 150, "feature.minfreq": 3}
    )
    trainer.train(str(path))


def measure(rows: Sequence[Row], path: Path) -> dict[str, float]:
    """Return precision, recall and F1 on words of person names."""
    tagger = pycrfsuite.Tagger()
    tagger.open(str(path))
    right = proposed = expected = 0
    for row in rows:
        sequence, kinds = annotate(row)
        if not sequence:
            continue
        found = tagger.tag(features(sequence))
        pairs = list(zip(found, kinds, strict=True))
        right += sum(1 for a, b in pairs if a == b == "PERSON")
        proposed += sum(1 for a, _ in pairs if a == "PERSON")
        expected += sum(1 for _, b in pairs if b == "PERSON")
    precision, recall = right / max(proposed, 1), right / max(expected, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": precision, "recall": recall, "f1": f1}


def main() -> None:
    """Train, measure on the held-out rows, and print what the card needs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names_jsonl", type=Path)
    parser.add_argument("--output", type=Path, default=MODEL)
    parser.add_argument("--c1", type=float, default=1.0)
    parser.add_argument("--c2", type=float, default=0.2)
    arguments = parser.parse_args()
    rows = read_rows(arguments.names_jsonl)
    train(
        [row for row in rows if not is_held_out(row)],
        arguments.output,
        c1=arguments.c1,
        c2=arguments.c2,
    )
    figures = measure([row for row in rows if is_held_out(row)], arguments.output)
    raw = arguments.output.read_bytes()
    print(json.dumps(figures), len(raw), hashlib.sha256(raw).hexdigest())  # noqa: T201


if __name__ == "__main__":
    main()

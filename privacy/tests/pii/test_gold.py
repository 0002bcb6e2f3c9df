"""A floor under the quality on text written by hand and never trained on."""

import json
from collections import Counter
from pathlib import Path

import pytest

from privacy.pii import detect

GOLD = Path(__file__).with_name("gold.jsonl")


def measure():
    right, proposed, expected, missed = Counter(), Counter(), Counter(), Counter()
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found = detect(row["text"])
        proposed.update(str(span.label) for span in found)
        for start, end, label in row["spans"]:
            expected[label] += 1
            right[label] += any(
                s.label == label and s.start < end and start < s.end for s in found
            )
            covered = sum(max(0, min(end, s.end) - max(start, s.start)) for s in found)
            missed[label] += covered < end - start
    return right, proposed, expected, missed


@pytest.fixture(scope="module")
def figures():
    return measure()


def test_the_gold_set_is_large_enough():
    assert len(GOLD.read_text(encoding="utf-8").splitlines()) >= 150


def test_most_people_are_found_and_few_things_are_taken_for_one(figures):
    right, proposed, expected, _ = figures

    assert right["PERSON"] / expected["PERSON"] >= 0.93
    assert right["PERSON"] / proposed["PERSON"] >= 0.93


def test_identifiers_are_found(figures):
    right, proposed, expected, _ = figures
    others = [label for label in expected if label != "PERSON"]

    assert {label: right[label] / expected[label] for label in others} == dict.fromkeys(
        others, 1.0
    )
    assert sum(proposed[label] - right[label] for label in others) <= 1


def test_hardly_anything_leaks(figures):
    *_, expected, missed = figures

    assert sum(missed.values()) / sum(expected.values()) <= 0.05

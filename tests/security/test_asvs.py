"""The table of requirements names only tests that there are."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TABLE = PROJECT / "docs" / "reference" / "asvs.md"
NAMED = re.compile(r"`([a-z_/0-9]+\.py)::(test_[a-z0-9_]+)`")
# How many requirements of levels 1 and 2 each chapter has.
COUNTS = {"3": 19, "4": 10, "6": 35, "7": 18, "8": 7, "9": 7}


def rows():
    """Return number and last column of each row."""
    for line in TABLE.read_text().splitlines():
        found = re.match(r"\| ([0-9., ]+) \| [12] \| (.+) \|$", line)
        if found:
            for number in found[1].split(", "):
                yield number, found[2]


@pytest.mark.parametrize(
    ("path", "name"), sorted(set(NAMED.findall(TABLE.read_text())))
)
def test_the_test_exists(path, name):
    assert re.search(rf"def {name}\(", (PROJECT / path).read_text())


def test_every_requirement_has_one_row_that_says_something():
    numbers = [number for number, _ in rows()]

    assert len(numbers) == len(set(numbers))
    assert {c: sum(n.split(".")[0] == c for n in numbers) for c in COUNTS} == COUNTS
    words = ("does not apply", "documented", "gap", "left to")
    for number, said in rows():
        found = NAMED.search(said) or any(word in said.lower() for word in words)
        assert found, number

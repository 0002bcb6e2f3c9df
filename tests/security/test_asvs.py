"""The table of requirements is that of the release, and names tests that there are."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
REFERENCE = PROJECT / "docs" / "reference"
TABLE = REFERENCE / "asvs.md"
BY_SUBJECT = REFERENCE / "security-tests.md"
NAMED = re.compile(r"`([a-z_/0-9]+\.py)::(test_[a-z0-9_]+)`")
LINKED = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
NUMBER = re.compile(r"[0-9.]+")
ROW = re.compile(r"\| ([0-9.]+) \| ([0-9]) \| ([^|]+) \| (.+) \|")
# Release 5.0.0, 30 May 2025, chapters V3, V4 and V6 to V9: levels 1 and 2.
LEVEL_1 = NUMBER.findall("""
    3.2.1 3.2.2 3.3.1 3.4.1 3.4.2 3.5.1 3.5.2 3.5.3
    4.1.1 4.4.1
    6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1 6.4.2
    7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2
    8.1.1 8.2.1 8.2.2 8.3.1
    9.1.1 9.1.2 9.1.3 9.2.1
""")
LEVEL_2 = NUMBER.findall("""
    3.3.2 3.3.3 3.3.4 3.4.3 3.4.4 3.4.5 3.4.6 3.5.4 3.5.5 3.7.1 3.7.2
    4.1.2 4.1.3 4.2.1 4.3.1 4.3.2 4.4.2 4.4.3 4.4.4
    6.1.2 6.1.3 6.2.9 6.2.10 6.2.11 6.2.12 6.3.3 6.3.4 6.4.3 6.4.4
    6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.1 6.6.2 6.6.3 6.8.1 6.8.2 6.8.3 6.8.4
    7.1.1 7.1.2 7.1.3 7.3.1 7.3.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2
    8.1.2 8.2.3 8.4.1
    9.2.2 9.2.3 9.2.4
""")
# Where the table itself says that a requirement is not met to the letter.
NOT_MET = {"6.5.5", "7.5.2"}


def rows():
    """Return number, level and last column of each row."""
    return [
        (found[1], found[2], found[4])
        for line in TABLE.read_text().splitlines()
        if (found := ROW.fullmatch(line))
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    sorted(set(NAMED.findall(TABLE.read_text() + BY_SUBJECT.read_text()))),
)
def test_the_test_exists(path, name):
    assert re.search(rf"def {name}\(", (PROJECT / path).read_text())


def test_every_requirement_of_the_release_has_its_row():
    numbers = [number for number, _, _ in rows()]

    assert len(numbers) == len(set(numbers))
    assert {n for n, level, _ in rows() if level == "1"} == set(LEVEL_1)
    assert {n for n, level, _ in rows() if level == "2"} == set(LEVEL_2)
    assert (len(LEVEL_1), len(LEVEL_2)) == (37, 59)


def test_each_row_names_a_test_or_says_why_not():
    for number, _, said in rows():
        assert NAMED.search(said) or said.startswith("Does not apply"), number
    assert {n for n, _, said in rows() if "**Not met" in said} == NOT_MET


def test_each_rule_by_subject_names_a_test():
    rules = re.findall(
        r"^\| (?!rule)(.+) \| (.+) \|$", BY_SUBJECT.read_text(), re.MULTILINE
    )

    assert len(rules) > 50
    assert [rule for rule, said in rules if not NAMED.search(said)] == []


def test_the_pages_that_are_named_are_there():
    for page in set(LINKED.findall(TABLE.read_text())):
        assert (REFERENCE / page).resolve().is_file(), page


def test_every_requirement_named_by_a_test_is_in_the_table():
    """`test_v6_4_6_...` may show more than level 2; it is no requirement of another."""
    known = {number for number, _, _ in rows()}
    tests = (PROJECT / "accounts" / "tests").glob("test_asvs_*.py")
    named = {
        f"{a}.{b}.{c}"
        for path in tests
        for a, b, c in re.findall(r"def test_v(\d+)_(\d+)_(\d+)_", path.read_text())
    }

    assert named - known == {"6.4.6"}

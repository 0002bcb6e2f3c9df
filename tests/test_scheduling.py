"""Tests that share something expensive stay together, and long ones begin first."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.scheduling import FIRST, TOGETHER, in_order, unit_of


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("tests/browser/test_roles.py::test_it[chromium]", "tests/browser"),
        ("tests/security/processes/test_races.py::test_it", "tests/security/processes"),
        ("tests/security/test_methods.py::test_it[a/b]", "tests/security"),
        ("tests/test_story.py::test_it[a/b]", "tests/test_story.py"),
        ("chat/tests/test_given.py::TestIt::test_it[x::y]", "chat/tests/test_given.py"),
    ],
)
def test_a_unit_is_a_file_or_what_shares_servers(name, unit):
    assert unit_of(name) == unit


def test_long_units_come_first_and_small_ones_last():
    counts = {"a.py": 1, "b.py": 70, FIRST[1]: 1, FIRST[0]: 2}

    assert in_order(counts) == [FIRST[0], FIRST[1], "b.py", "a.py"]


@pytest.mark.parametrize("path", sorted({*FIRST, *TOGETHER}))
def test_what_is_named_is_there(path):
    assert (settings.BASE_DIR / path).exists()

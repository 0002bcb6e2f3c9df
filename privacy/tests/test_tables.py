"""Rows on paper: one line of JSON, and cells that no spreadsheet computes."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.export.tables import csv_line, is_flat, json_line

SCALARS = st.none() | st.booleans() | st.integers() | st.text()


def cells(line: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(line.decode(), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+cmd",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\x0b=1",
        "\u3000=1",
        "\u00a0=1",
        "\uff1d1",
        "|calc",
        "%0",
    ],
)
def test_a_formula_is_text(text):
    assert cells(csv_line([text]))[0].startswith("'")


@pytest.mark.parametrize("value", [-5, -1.5, 0])
def test_a_negative_number_stays_a_number(value):
    assert cells(csv_line([value])) == [str(value)]


@given(st.lists(SCALARS, min_size=1))
def test_no_text_cell_is_ever_a_formula(values):
    for value, cell in zip(values, cells(csv_line(values)), strict=True):
        if isinstance(value, str):
            assert cell in (value, f"'{value}")
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@given(st.dictionaries(st.text(), SCALARS))
def test_a_row_is_one_line_that_reads_back(row):
    line = json_line(row)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == row


def test_a_lone_surrogate_is_shown_rather_than_lost():
    assert json.loads(json_line({"a": "x\ud800"})) == {"a": "x\ud800"}


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_line({"a": float("nan")})


@pytest.mark.parametrize(
    ("row", "flat"),
    [({"a": 1, "b": None}, True), ({"a": [1]}, False), ({"a": {}}, False)],
)
def test_only_scalars_make_a_table(row, flat):
    assert is_flat(row) is flat

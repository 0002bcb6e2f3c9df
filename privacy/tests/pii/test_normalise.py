"""Positions lead back to the original text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.pii.normalise import normalise


def test_plain_text_is_read_as_it_is():
    assert normalise("abc 123").starts is None


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("a\u200bb", "ab"),
        ("\uff11\uff12", "12"),
        ("\u0664\u0661", "41"),
        ("x\u2011y", "x-y"),
        ("e\u0301", "\xe9"),
        ("\ufb01n", "fin"),
        ("\ud800", "\ufffd"),
        ("it\u2019s", "it's"),
        ("\xa0", " "),
        ("\u0301", "\u0301"),
    ],
)
def test_it_reads(text, reading):
    assert normalise(text).text == reading


@given(st.text(st.characters(codec=None), max_size=60), st.data())
def test_every_stretch_leads_to_a_stretch_of_the_original(text, data):
    reading = normalise(text)
    if not reading.text:
        return
    start = data.draw(st.integers(0, len(reading.text) - 1))
    end = data.draw(st.integers(start + 1, len(reading.text)))

    first, last = reading.to_original(start, end)

    assert 0 <= first < last <= len(text)


def test_the_whole_reading_leads_to_the_whole_text():
    text = "a\u200bb\u0301\ufb01"
    reading = normalise(text)

    assert reading.to_original(0, len(reading.text)) == (0, len(text))

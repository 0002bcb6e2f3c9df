import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.names import fold_name

FULL_WIDTH_BOB = "\uff42\uff4f\uff42"


@pytest.mark.parametrize(
    "variant",
    [
        "bob",
        "BOB",
        " Bob ",
        FULL_WIDTH_BOB,
        "b\u200bob",
        "bo\u00adb",
        "\ufeffbob",
        "b\u2060ob",
        "bob\u034f",
        "bo\ufe0fb",
        "\u202ebob",
    ],
)
def test_it_gives_every_variant_one_spelling(variant):
    assert fold_name(variant) == "bob"


@given(st.text())
def test_it_changes_nothing_when_done_twice(text):
    once = fold_name(text)

    assert fold_name(once) == once


@given(st.text())
def test_it_does_not_depend_on_the_form_of_the_input(text):
    decomposed = unicodedata.normalize("NFD", text)

    assert fold_name(decomposed) == fold_name(unicodedata.normalize("NFC", text))

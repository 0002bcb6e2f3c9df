import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsec.core import strict_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_it_reads_what_everybody_writes(value):
    assert strict_json.loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff", "UTF-8"),
        (b"", "valid"),
        (b"{", "valid"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "twice"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"1e999", "range"),
        (b'"a\\u0000b"', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'"\\ud800"', "surrogate"),
        (b"[" * 33 + b"]" * 33, "deeper"),
        (b"[" * 100_000, "deeper"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "deeper"),
        (b"1" * 5000, "valid"),
    ],
)
def test_it_refuses(raw, why):
    with pytest.raises(strict_json.MalformedJson, match=why):
        strict_json.loads(raw)


def test_it_accepts_the_greatest_depth():
    assert strict_json.loads(b"[" * 32 + b"]" * 32)


def test_brackets_in_strings_are_not_depth():
    assert strict_json.loads(json.dumps("[" * 100).encode()) == "[" * 100


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw):
    with suppress(strict_json.MalformedJson):
        strict_json.loads(raw)

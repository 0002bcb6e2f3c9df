from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditlog.redacting import clear_id, clear_text, is_identifier, redact_details

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=40)
DOCUMENTS = st.dictionaries(
    st.text(max_size=10),
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def skeleton(value: Any) -> Any:
    """Return the document without its texts."""
    match value:
        case str():
            return "text"
        case list():
            return [skeleton(item) for item in value]
        case dict():
            return {key: skeleton(item) for key, item in value.items()}
        case _:
            return value


@given(DOCUMENTS)
def test_only_texts_change(document: dict[str, Any]) -> None:
    found = redact_details(document)

    assert skeleton(dict(found.details)) == skeleton(document)
    assert (found.replaced > 0) == (dict(found.details) != document)


@given(st.text(max_size=30), st.sampled_from(["", "role", "intent", "note"]))
def test_an_address_never_stays(around: str, key: str) -> None:
    found = redact_details({key: f"{around} jane.smith@example.org {around}"})

    assert "jane.smith@example.org" not in str(found.details[key])
    assert found.replaced >= 1


@given(st.text(max_size=400))
def test_a_clear_column_takes_anything(text: str) -> None:
    for clear in (clear_text(text), clear_text(clear_id(text))):
        assert "\x00" not in clear
        assert len(clear) <= 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("sales_summary", True),
        ("rbac.read_sales", True),
        ("4711", True),
        ("01a1fbb6-3d5a-72f0-82ee-724cc23e9644", True),
        ("*", True),
        ("jane@example.org", False),
        ("Jane Smith", False),
        ("12345678901234567890", False),
        ("+1 555 123 4567", False),
        ("a\x00b", False),
        ("ünal", False),
        ("a" * 129, False),
    ],
)
def test_it_tells_identifiers_from_other_text(text: str, expected: Any) -> None:
    assert is_identifier(text) is expected

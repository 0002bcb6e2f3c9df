"""An event's canonical bytes: two different events never share them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditlog.proofs.canonical import COLUMNS, Value, canonical, encode, leaf

MOMENT = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
VALUES = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.text(max_size=20),
    st.uuids(),
    st.integers(-(2**63), 2**63 - 1),
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("é", "c3a9"),
        (b"\x00\xff", "00ff"),
        (1, "0000000000000001"),
        (-1, "ffffffffffffffff"),
        (True, "01"),
        (False, "00"),
        (UUID(int=5), "00000000000000000000000000000005"),
        (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "00000000000f4240"),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "fffffffffff0bdc0"),
    ],
)
def test_each_type_has_one_form(value: Value, expected: str) -> None:
    assert encode(value).hex() == expected


def test_the_same_moment_in_another_zone_is_the_same() -> None:
    tokyo = MOMENT.astimezone(timezone(timedelta(hours=9)))

    assert encode(tokyo) == encode(MOMENT)


def test_null_is_not_the_empty_text() -> None:
    assert canonical([None]) != canonical([""])


@given(st.lists(VALUES, max_size=5), st.lists(VALUES, max_size=5))
def test_moving_a_border_between_fields_shows(
    one: list[Value], other: list[Value]
) -> None:
    same = [value if value is None else encode(value) for value in one] == [
        value if value is None else encode(value) for value in other
    ]

    assert (canonical(one) == canonical(other)) == same


def test_it_refuses_a_row_of_another_width() -> None:
    with pytest.raises(ValueError, match=str(len(COLUMNS))):
        leaf(["a"])


def test_it_refuses_what_has_no_form() -> None:
    with pytest.raises(TypeError):
        encode(1.5)  # type: ignore[arg-type]  # what is shown

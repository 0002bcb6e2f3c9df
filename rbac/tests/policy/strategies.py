"""Random conditions, values and rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from rbac.policy.values import Kind

TEXTS = ["", "a", "b", "ab", "A", "é", "north", "Z", "a b", "%", "_", "'", '"', "\\"]
NUMBERS: list[int | Decimal] = [
    0,
    1,
    -1,
    2,
    10,
    2**40,
    Decimal("1.0"),
    Decimal("1.50"),
    Decimal("-0.25"),
]
TIMES = [
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 6, 1, 12, 30, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
]
COLUMNS = {
    "name": Kind.TEXT,
    "region": Kind.TEXT,
    "amount": Kind.NUMBER,
    "units": Kind.NUMBER,
    "active": Kind.BOOLEAN,
    "sold_at": Kind.TIME,
}
SQL_TYPES = {
    "name": "text",
    "region": "text",
    "amount": "numeric",
    "units": "bigint",
    "active": "boolean",
    "sold_at": "timestamptz",
}
OF_COLUMN = {
    "name": st.sampled_from([None, *TEXTS]),
    "region": st.sampled_from([None, *TEXTS]),
    "amount": st.sampled_from([None, *NUMBERS]),
    "units": st.sampled_from([None, 0, 1, -1, 2, 2**40]),
    "active": st.sampled_from([None, True, False]),
    "sold_at": st.sampled_from([None, *TIMES]),
}
any_value = st.sampled_from([None, True, False, *TEXTS, *NUMBERS, *TIMES, "a\x00b"])
rows = st.fixed_dictionaries(OF_COLUMN)
bags = st.dictionaries(st.sampled_from(["p", "q", "r"]), any_value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


attributes = st.one_of(
    st.sampled_from([f"resource.{name}" for name in [*COLUMNS, "nowhere"]]),
    st.sampled_from(
        [f"{root}.{name}" for root in ("user", "context") for name in ("p", "q", "r")]
    ),
)
literals = st.one_of(
    st.sampled_from(TEXTS).map(_quoted),
    st.sampled_from(NUMBERS).map(str),
    st.sampled_from(["true", "false"]),
    st.sampled_from(TIMES).map(lambda moment: f'timestamp("{moment.isoformat()}")'),
)
terms = st.one_of(attributes, attributes, literals)
tests = st.one_of(
    st.builds(
        lambda left, sign, right: f"{left} {sign} {right}",
        terms,
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        terms,
    ),
    st.builds(
        lambda item, options: f"{item} in [{', '.join(options)}]",
        terms,
        st.lists(terms, max_size=3),
    ),
    st.builds(
        lambda subject, name, part: f"{subject}.{name}({part})",
        attributes,
        st.sampled_from(["startsWith", "endsWith", "contains"]),
        terms,
    ),
    attributes.map(lambda attribute: f"has({attribute})"),
    attributes,
    st.sampled_from(["true", "false"]),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a}) && ({b})", inner, inner),
        st.builds(lambda a, b: f"({a}) || ({b})", inner, inner),
        st.builds(lambda a: f"!({a})", inner),
        st.builds(lambda a, b, c: f"({a}) ? ({b}) : ({c})", inner, inner, inner),
    ),
    max_leaves=6,
)

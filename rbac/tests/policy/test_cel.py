"""Inside the subset, the Rust implementation of CEL answers what the closure does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - repeatable expressions, no secrets

import cel
import pytest

from rbac.policy import Bindings, parse_condition

TEXTS = [
    "",
    "a",
    "b",
    "ab",
    "A",
    "Z",
    "é",
    "ñandú",
    "日本",
    "🙂",
    "a b",
    "%",
    "'",
    '"',
    "\\",
]
NUMBERS = [
    0,
    1,
    -1,
    2,
    10,
    2**40,
    -(2**40),
    Decimal("1.0"),
    Decimal("1.5"),
    Decimal("-0.25"),
]
START = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = [START + timedelta(hours=7 * number) for number in range(6)]
VALUES = {"text": TEXTS, "number": NUMBERS, "boolean": [True, False], "time": TIMES}
NAMES = {"text": "tu", "number": "nm", "boolean": "bc", "time": "wx"}
ROOTS = ["user", "context", "resource"]
SIGNS = ["==", "!=", "<", "<=", ">", ">="]


class Generator:
    """Random expressions whose parts are of one kind, as CEL wants them."""

    def __init__(self, seed: int, *, absent: bool = False) -> None:
        self.chance = Random(seed)
        self.absent = absent

    def bags(self):
        """Return what each root holds, every attribute or only some."""
        return {
            root: {
                name: self.chance.choice(VALUES[kind])
                for kind, names in NAMES.items()
                for name in names
                if not self.absent or self.chance.random() < 0.7
            }
            for root in ROOTS
        }

    def attribute(self, kind):
        return f"{self.chance.choice(ROOTS)}.{self.chance.choice(NAMES[kind])}"

    def quoted(self, text):
        mark = self.chance.choice("'\"")
        escaped = text.replace("\\", "\\\\").replace(mark, "\\" + mark)
        if self.chance.random() < 0.2:
            escaped = escaped.replace("é", "\\u00e9").replace("a", "\\u0061")
        return f"{mark}{escaped}{mark}"

    def literal(self, kind):
        value = self.chance.choice(VALUES[kind])
        if kind == "text":
            return self.quoted(value)
        if kind == "time":
            return f"timestamp({self.quoted(value.isoformat())})"
        return str(value).lower() if kind == "boolean" else str(value)

    def term(self, kind):
        if kind == "number" and self.chance.random() < 0.15:
            clock = self.chance.choice(["getHours", "getDayOfWeek"])
            root = self.chance.choice(["user", "context"])
            return f"{root}.{self.chance.choice(NAMES['time'])}.{clock}()"
        make = self.attribute if self.chance.random() < 0.6 else self.literal
        return make(kind)

    def test(self):
        kind = self.chance.choice(list(VALUES))
        match self.chance.randrange(7):
            case 0:
                options = [self.term(kind) for _ in range(self.chance.randrange(4))]
                return f"{self.term(kind)} in [{', '.join(options)}]"
            case 1:
                part = self.term("text")
                name = self.chance.choice(["startsWith", "endsWith", "contains"])
                return f"{self.attribute('text')}.{name}({part})"
            case 2:
                name = self.attribute(kind)
                if self.chance.random() < 0.3:
                    name = f"{self.chance.choice(ROOTS)}.nowhere"
                return f"has({name})"
            case 3:
                return self.term("boolean")
            case _:
                signs = SIGNS[:2] if kind == "boolean" else SIGNS
                sign = self.chance.choice(signs)
                return f"{self.term(kind)} {sign} {self.term(kind)}"

    def condition(self, depth=3):
        """Return an expression, with brackets only here and there."""
        if depth == 0 or self.chance.random() < 0.25:
            return self.test()
        one, other = self.condition(depth - 1), self.condition(depth - 1)
        match self.chance.randrange(5):
            case 0 | 1:
                joined = f"{one} && {other}"
            case 2 | 3:
                joined = f"{one} || {other}"
            case _:
                joined = f"({one}) ? ({other}) : ({self.condition(depth - 1)})"
        if self.chance.random() < 0.4:
            joined = f"{self.chance.choice(['', '!', '!!'])}({joined})"
        return joined


def reference(text, bags):
    """Return the other implementation's answer; None where it says it has none."""
    plain = {
        root: {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in bag.items()
        }
        for root, bag in bags.items()
    }
    try:
        return cel.compile(text).execute(plain)
    except KeyError:
        return None


def disagreements(count, seed, *, absent=False):
    """Yield each case on which the two differ.

    Where attributes are absent only answers are compared: an absent member of a list
    is an error there, and an unknown that another member can settle here and in SQL.
    """
    generator = Generator(seed, absent=absent)
    answered = 0
    for _ in range(count):
        text, bags = generator.condition(), generator.bags()
        ours = parse_condition(text).evaluate(Bindings(**bags))
        theirs = reference(text, bags)
        answered += theirs is not None
        if ours is not theirs and not (absent and theirs is None):
            yield text, bags, ours, theirs
    assert answered > count / 2


@pytest.mark.parametrize("absent", [False, True])
def test_it_agrees_with_another_implementation(absent):
    assert not list(disagreements(1000, 2026, absent=absent))


@pytest.mark.prove
@pytest.mark.parametrize(("count", "absent"), [(100_000, False), (30_000, True)])
def test_it_agrees_with_another_implementation_often(count, absent):
    assert not list(disagreements(count, 1, absent=absent))

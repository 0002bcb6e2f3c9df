"""The syntax tree of a condition: boolean nodes over scalar terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Literal as OneOf
from zoneinfo import ZoneInfo

from rbac.policy.values import Scalar

Root = OneOf["user", "resource", "context"]
Network = IPv4Network | IPv6Network
Comparison = OneOf["==", "!=", "<", "<=", ">", ">="]
TextOperator = OneOf["startsWith", "endsWith", "contains"]
ClockOperator = OneOf["getHours", "getDayOfWeek"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the condition."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Attribute:
    """`user.x`, `resource.x` or `context.x`."""

    root: Root
    name: str

    def __str__(self) -> str:
        return f"{self.root}.{self.name}"


@dataclass(frozen=True, slots=True)
class Clock:
    """The hour (0-23) or weekday (0 = Sunday, as in CEL) of a moment in a zone."""

    operator: ClockOperator
    moment: Attribute
    zone: ZoneInfo


Term = Literal | Attribute | Clock


@dataclass(frozen=True, slots=True)
class Truth:
    """A term that stands where a truth value is wanted."""

    term: Term


@dataclass(frozen=True, slots=True)
class Compare:
    """Two terms of one kind compared."""

    operator: Comparison
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Member:
    """Equality with one of the listed terms."""

    item: Term
    options: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """Whether the attribute is there; never unknown."""

    attribute: Attribute


@dataclass(frozen=True, slots=True)
class TextTest:
    """A test of one text against another."""

    operator: TextOperator
    subject: Term
    part: Term


@dataclass(frozen=True, slots=True)
class InNetwork:
    """Whether an address lies in a network."""

    network: Network
    address: Attribute


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    item: Node


@dataclass(frozen=True, slots=True)
class And:
    """False if one is false, true if all are true, else unknown."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True if one is true, false if all are false, else unknown."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`test ? yes : no`; unknown if the test is."""

    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Unknown:
    """A condition that could not be read: it grants nothing and denies."""


Node = (
    Truth
    | Compare
    | Member
    | Has
    | TextTest
    | InNetwork
    | Not
    | And
    | Or
    | Choice
    | Unknown
)


def children(node: Node | Term) -> tuple[Node | Term, ...]:
    """Return the nodes right below this one."""
    below: tuple[Node | Term, ...] = ()
    match node:
        case Compare(_, left, right) | TextTest(_, left, right):
            below = (left, right)
        case Member(item, options):
            below = (item, *options)
        case Has(attribute) | InNetwork(_, attribute) | Clock(_, attribute, _):
            below = (attribute,)
        case Truth(inner) | Not(inner):
            below = (inner,)
        case And(items) | Or(items):
            below = items
        case Choice(test, yes, no):
            below = (test, yes, no)
        case Literal() | Attribute() | Unknown():
            pass
    return below


def walk(node: Node | Term) -> Iterator[Node | Term]:
    """Yield the node and all below it."""
    pending: list[Node | Term] = [node]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(children(found))


def depth(node: Node | Term) -> int:
    """Return how deep the tree is; a single node is 1."""
    return 1 + max((depth(child) for child in children(node)), default=0)


def mentions_resource(node: Node | Term) -> bool:
    """Whether the answer can depend on the row or object asked about."""
    return any(
        isinstance(found, Attribute) and found.root == "resource"
        for found in walk(node)
    )


def required_attributes(node: Node) -> tuple[Attribute, ...]:
    """Return the attributes that must be known, in order, without `has` tests."""
    found: dict[Attribute, None] = {}
    pending: list[Node | Term] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, Attribute):
            found.setdefault(current)
        if not isinstance(current, Has):
            pending.extend(reversed(children(current)))
    return tuple(found)

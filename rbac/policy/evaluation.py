"""A syntax tree becomes a Python closure with three-valued logic (SQL's own).

An attribute that is absent, of another kind, or that a database could not hold is
unknown. `false && unknown` is false and `true || unknown` is true; nothing else made of
an unknown part is known. An allow needs TRUE; a deny is lifted by FALSE alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import assert_never

from rbac.policy import syntax
from rbac.policy.syntax import Node, Term
from rbac.policy.values import KINDS, Bindings, Kind, Scalar, Tri, known

Evaluate = Callable[[Bindings], Tri]
Read = Callable[[Bindings], Scalar | None]

SURELY_KNOWN_BITS = 3000
COMPARE: Mapping[syntax.Comparison, Callable[..., bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXT: Mapping[syntax.TextOperator, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


def compile_node(node: Node) -> Evaluate:  # noqa: PLR0911 - a case each
    """Return the closure that answers the node for given bindings."""
    match node:
        case syntax.Truth(term):
            return _truth(reader(term))
        case syntax.Compare(sign, left, right):
            return _comparison(sign, left, right)
        case syntax.Member(item, options):
            return _either([_equal(item, option) for option in options])
        case syntax.Has(attribute):
            read = reader(attribute)
            return lambda bindings: read(bindings) is not None
        case syntax.TextTest(sign, subject, part):
            return _text_test(sign, reader(subject), reader(part))
        case syntax.InNetwork():
            return _in_network(node)
        case _:
            return _logic(node)


def _logic(
    node: syntax.Not | syntax.And | syntax.Or | syntax.Choice | syntax.Unknown,
) -> Evaluate:
    match node:
        case syntax.Not(item):
            return _opposite(compile_node(item))
        case syntax.And(items):
            return _all([compile_node(item) for item in items])
        case syntax.Or(items):
            return _either([compile_node(item) for item in items])
        case syntax.Choice(test, yes, no):
            return _choice(compile_node(test), compile_node(yes), compile_node(no))
        case syntax.Unknown():
            return lambda _: None
        case _:
            assert_never(node)


def reader(term: Term) -> Read:
    """Return the closure that reads a term; None when it is unknown."""
    match term:
        case syntax.Literal(value):
            return lambda _: value
        case syntax.Attribute(root, name):
            return _attribute(root, name)
        case syntax.Clock():
            return _clock(term)
        case _:
            assert_never(term)


def _attribute(root: syntax.Root, name: str) -> Read:
    place = Bindings._fields.index(root)

    def answer(bindings: Bindings) -> Scalar | None:
        values = bindings[place]
        if values is None:
            return None
        value = values.get(name)
        # What `known` would say of most texts and numbers, without the call.
        if type(value) is str:
            if value.isascii() and "\x00" not in value:
                return value
        elif type(value) is int and value.bit_length() < SURELY_KNOWN_BITS:
            return value
        return known(value)

    return answer


def _clock(term: syntax.Clock) -> Read:
    read, zone = reader(term.moment), term.zone

    def answer(bindings: Bindings) -> Scalar | None:
        moment = read(bindings)
        if not isinstance(moment, datetime):
            return None
        try:
            local = moment.astimezone(zone)
        except OverflowError:  # year 1 or 9999, moved out of the calendar
            return None
        if term.operator == "getHours":
            return local.hour
        return local.isoweekday() % 7

    return answer


def _truth(read: Read) -> Evaluate:
    def answer(bindings: Bindings) -> Tri:
        value = read(bindings)
        return value if isinstance(value, bool) else None

    return answer


def _comparison(sign: syntax.Comparison, left: Term, right: Term) -> Evaluate:
    if isinstance(right, syntax.Literal):
        return _comparison_with(sign, reader(left), right.value)
    one_of, other_of = reader(left), reader(right)
    compare, kinds = COMPARE[sign], _comparable(sign)

    def answer(bindings: Bindings) -> Tri:
        one = one_of(bindings)
        if one is None:
            return None
        other = other_of(bindings)
        if other is None:
            return None
        kind = kinds.get(type(one))
        if kind is None:
            return None
        if type(one) is type(other) or kind is kinds.get(type(other)):
            return compare(one, other)
        return None

    return answer


def _comparison_with(sign: syntax.Comparison, read: Read, value: Scalar) -> Evaluate:
    """Return the comparison with a value whose kind is known beforehand."""
    compare, kinds = COMPARE[sign], _comparable(sign)
    kind = kinds.get(type(value))
    if kind is None:
        return lambda _: None
    types = frozenset(found for found, its in kinds.items() if its is kind)

    def answer(bindings: Bindings) -> Tri:
        one = read(bindings)
        return compare(one, value) if type(one) in types else None

    return answer


def _comparable(sign: syntax.Comparison) -> Mapping[type, Kind]:
    """Return the types that the sign can compare; truth values have no order."""
    if sign in ("==", "!="):
        return KINDS
    return {found: kind for found, kind in KINDS.items() if kind is not Kind.BOOLEAN}


def _equal(item: Term, option: Term) -> Evaluate:
    return _comparison("==", item, option)


def _text_test(sign: syntax.TextOperator, subject: Read, part: Read) -> Evaluate:
    test = TEXT[sign]

    def answer(bindings: Bindings) -> Tri:
        text, wanted = subject(bindings), part(bindings)
        if isinstance(text, str) and isinstance(wanted, str):
            return test(text, wanted)
        return None

    return answer


def _in_network(node: syntax.InNetwork) -> Evaluate:
    read, network = reader(node.address), node.network

    def answer(bindings: Bindings) -> Tri:
        text = read(bindings)
        if not isinstance(text, str):
            return None
        try:
            return ip_address(text) in network
        except ValueError:
            return None

    return answer


def _opposite(item: Evaluate) -> Evaluate:
    def answer(bindings: Bindings) -> Tri:
        found = item(bindings)
        return None if found is None else not found

    return answer


def _all(items: list[Evaluate]) -> Evaluate:
    def answer(bindings: Bindings) -> Tri:
        result: Tri = True
        for item in items:
            found = item(bindings)
            if found is False:
                return False
            if found is None:
                result = None
        return result

    return answer


def _either(items: list[Evaluate]) -> Evaluate:
    def answer(bindings: Bindings) -> Tri:
        result: Tri = False
        for item in items:
            found = item(bindings)
            if found:
                return True
            if found is None:
                result = None
        return result

    return answer


def _choice(test: Evaluate, yes: Evaluate, no: Evaluate) -> Evaluate:
    def answer(bindings: Bindings) -> Tri:
        found = test(bindings)
        if found is None:
            return None
        return yes(bindings) if found else no(bindings)

    return answer

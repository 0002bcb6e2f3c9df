"""Reading conditions: a closed subset of CEL with fixed limits.

No loops, no regular expressions, no calls into the host: evaluation always ends, in
time linear in the tree (Common Expression Language specification, cel.dev).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from ipaddress import ip_network
from typing import cast
from zoneinfo import ZoneInfo

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from rbac.policy import syntax
from rbac.policy.syntax import Attribute, Node, Term
from rbac.policy.values import known

MAX_BYTES = 4096
MAX_DEPTH = 32
MAX_NODES = 500
MAX_INTEGER = 2**63 - 1

GRAMMAR = r"""
?start: expression
?expression: either | either "?" either ":" expression -> choice
?either: both ("||" both)*
?both: relation ("&&" relation)*
?relation: unary
    | unary COMPARISON unary -> compare
    | unary "in" "[" [unary ("," unary)*] "]" -> member
?unary: member_access | "!" unary -> negation
?member_access: primary
    | member_access "." NAME "(" [expression ("," expression)*] ")" -> method
?primary: "(" expression ")"
    | NAME "." NAME -> attribute
    | NAME "(" [expression ("," expression)*] ")" -> function
    | STRING -> text
    | "-" NUMBER -> negative
    | NUMBER -> number
    | "true" -> true
    | "false" -> false
    | "null" -> null

COMPARISON: "==" | "!=" | "<=" | ">=" | "<" | ">"
NAME: /[a-zA-Z_][a-zA-Z0-9_]{0,62}/
NUMBER: /[0-9]+(\.[0-9]+)?/
STRING: /"([^"\\\n\r]|\\.)*"/ | /'([^'\\\n\r]|\\.)*'/
%ignore /[ \t\r\n]+/
"""
ROOTS = ("user", "resource", "context")
TEXT_OPERATORS = ("startsWith", "endsWith", "contains")
CLOCK_OPERATORS = ("getHours", "getDayOfWeek")
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
ESCAPED = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "r": "\r", "t": "\t"}

Raw = Tree[Token] | Token


class ConditionError(ValueError):
    """The text is no condition; `line` and `column` say where (from 1)."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    return Lark(
        GRAMMAR,
        parser="lalr",
        lexer="contextual",
        maybe_placeholders=False,
        propagate_positions=True,
    )


def parse(text: str) -> Node:
    """Return the tree of a condition within all limits; raise ConditionError."""
    _refuse_outsized(text)
    _refuse_deep(text)
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    node = _Builder().truth(tree)
    if syntax.depth(node) > MAX_DEPTH:
        raise ConditionError(f"nested deeper than {MAX_DEPTH}")
    if sum(1 for _ in syntax.walk(node)) > MAX_NODES:
        raise ConditionError(f"more than {MAX_NODES} parts")
    return node


def _refuse_outsized(text: str) -> None:
    if not text.strip():
        raise ConditionError("the condition is empty")
    if known(text) is None:
        raise ConditionError("the condition holds characters that cannot be stored")
    if len(text.encode()) > MAX_BYTES:
        raise ConditionError(f"longer than {MAX_BYTES} bytes")


def _refuse_deep(text: str) -> None:
    """Bound the nesting before a recursive walk meets it (stack exhaustion)."""
    bare = re.sub(r"\"([^\"\\]|\\.)*\"|'([^'\\]|\\.)*'", "0", text)
    opened: list[int] = []
    run = level = 0
    for position, char in enumerate(bare):
        if char == "!" and bare[position + 1 : position + 2] != "=":
            run += 1
        elif char in "([":
            opened.append(run + 1)
            level += run + 1
            run = 0
        elif char in ")]" and opened:
            level -= opened.pop()
        elif not char.isspace():
            run = 0
        if level + run > MAX_DEPTH:
            raise ConditionError(f"nested deeper than {MAX_DEPTH}")
    if bare.count("?") > MAX_DEPTH:
        raise ConditionError(f"more than {MAX_DEPTH} choices")


def _explained(error: UnexpectedInput, text: str) -> ConditionError:
    line, column = max(error.line, 1), max(error.column, 1)
    match error:
        case UnexpectedToken(token=token) if token.type == "$END":
            return ConditionError(
                "the condition ends too early",
                line=text.count("\n") + 1,
                column=len(text) - text.rfind("\n"),
            )
        case UnexpectedToken(token=token):
            message = f"unexpected {str(token)!r}"
        case UnexpectedCharacters(char=char):
            message = f"unexpected {char!r}"
        case _:
            message = "not a condition"
    return ConditionError(message, line=line, column=column)


def _fail(at: Raw, message: str) -> ConditionError:
    if isinstance(at, Token):
        return ConditionError(message, line=at.line or 1, column=at.column or 1)
    if at.meta.empty:
        return ConditionError(message)
    return ConditionError(message, line=at.meta.line, column=at.meta.column)


class _Builder:
    """Turns the parser's tree into typed nodes, or says what does not fit."""

    def truth(self, tree: Raw) -> Node:
        """Return the node that stands for a truth value."""
        if isinstance(tree, Token):
            raise _fail(tree, f"unexpected {str(tree)!r}")
        build = {
            "choice": self._choice,
            "either": lambda t: syntax.Or(tuple(map(self.truth, t.children))),
            "both": lambda t: syntax.And(tuple(map(self.truth, t.children))),
            "compare": self._compare,
            "member": self._member,
            "negation": lambda t: syntax.Not(self.truth(t.children[0])),
            "function": self._function_truth,
            "method": self._method_truth,
        }.get(tree.data)
        return build(tree) if build else self._bare_truth(tree)

    def term(self, tree: Raw) -> Term:
        """Return the node that stands for one value."""
        if isinstance(tree, Token):
            raise _fail(tree, f"unexpected {str(tree)!r}")
        builders: Mapping[str, Callable[[Tree[Token]], Term]] = {
            "attribute": self._attribute,
            "text": lambda t: syntax.Literal(_unquoted(_token(t, 0))),
            "number": lambda t: syntax.Literal(_number(_token(t, 0))),
            "negative": lambda t: syntax.Literal(-_number(_token(t, 0))),
            "true": lambda _: syntax.Literal(value=True),
            "false": lambda _: syntax.Literal(value=False),
            "function": self._timestamp,
            "method": self._clock,
        }
        if tree.data == "null":
            raise _fail(tree, "absent and null are the same here: ask has(...)")
        if tree.data not in builders:
            raise _fail(tree, "a value is needed here, not a comparison")
        return builders[tree.data](tree)

    def _bare_truth(self, tree: Tree[Token]) -> Node:
        term = self.term(tree)
        if isinstance(term, syntax.Literal) and not isinstance(term.value, bool):
            raise _fail(tree, "a value stands where true or false is needed")
        return syntax.Truth(term)

    def _choice(self, tree: Tree[Token]) -> Node:
        test, yes, no = map(self.truth, tree.children)
        return syntax.Choice(test, yes, no)

    def _compare(self, tree: Tree[Token]) -> Node:
        left, operator, right = tree.children
        return syntax.Compare(
            cast("syntax.Comparison", str(operator)), self.term(left), self.term(right)
        )

    def _member(self, tree: Tree[Token]) -> Node:
        item, *options = map(self.term, tree.children)
        return syntax.Member(item, tuple(options))

    def _attribute(self, tree: Tree[Token]) -> Attribute:
        root, name = _token(tree, 0), _token(tree, 1)
        if root not in ROOTS:
            raise _fail(root, f"unknown name {str(root)!r}: use {', '.join(ROOTS)}")
        return Attribute(cast("syntax.Root", str(root)), str(name))

    def _only_attribute(self, tree: Tree[Token], arguments: Sequence[Raw]) -> Attribute:
        if len(arguments) != 1 or not isinstance(arguments[0], Tree):
            raise _fail(tree, "exactly one attribute is needed here")
        if arguments[0].data != "attribute":
            raise _fail(arguments[0], "an attribute is needed here")
        return self._attribute(arguments[0])

    def _function_truth(self, tree: Tree[Token]) -> Node:
        name = _token(tree, 0)
        if name == "has":
            return syntax.Has(self._only_attribute(tree, tree.children[1:]))
        raise _fail(tree, f"unknown test {str(name)!r}")

    def _timestamp(self, tree: Tree[Token]) -> Term:
        if _token(tree, 0) != "timestamp":
            raise _fail(tree, f"unknown function {str(tree.children[0])!r}")
        text = self._only_text(tree, tree.children[1:])
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise _fail(tree, "not a time in ISO 8601") from None
        if moment.tzinfo is None:
            raise _fail(tree, "the time needs a zone, like Z or +01:00")
        return syntax.Literal(moment)

    def _only_text(self, tree: Tree[Token], arguments: Sequence[Raw]) -> str:
        if len(arguments) != 1 or not isinstance(arguments[0], Tree):
            raise _fail(tree, "exactly one quoted text is needed here")
        if arguments[0].data != "text":
            raise _fail(arguments[0], "a quoted text is needed here")
        return _unquoted(_token(arguments[0], 0))

    def _method_truth(self, tree: Tree[Token]) -> Node:
        subject, name, *arguments = tree.children
        if name in TEXT_OPERATORS:
            if len(arguments) != 1:
                raise _fail(tree, f"{name} needs exactly one text")
            operator = cast("syntax.TextOperator", str(name))
            return syntax.TextTest(
                operator, self.term(subject), self.term(arguments[0])
            )
        if name == "containsIP":
            address = self._only_attribute(tree, arguments)
            _refuse_resource(tree, address)
            return syntax.InNetwork(self._network(subject), address)
        raise _fail(tree, f"unknown test {str(name)!r}")

    def _network(self, tree: Raw) -> syntax.Network:
        if not isinstance(tree, Tree) or tree.data != "function":
            raise _fail(tree, 'containsIP follows cidr("...")')
        if _token(tree, 0) != "cidr":
            raise _fail(tree, 'containsIP follows cidr("...")')
        try:
            return ip_network(self._only_text(tree, tree.children[1:]), strict=False)
        except ValueError:
            raise _fail(tree, "not a network like 10.0.0.0/8") from None

    def _clock(self, tree: Tree[Token]) -> Term:
        subject, name, *arguments = tree.children
        if name not in CLOCK_OPERATORS:
            raise _fail(tree, f"unknown function {str(name)!r}")
        moment = self._only_attribute(tree, [subject])
        _refuse_resource(tree, moment)
        zone = self._only_text(tree, arguments) if arguments else "UTC"
        try:
            found = ZoneInfo(zone)
        except (OSError, ValueError, KeyError):
            raise _fail(tree, f"unknown time zone {zone!r}") from None
        return syntax.Clock(cast("syntax.ClockOperator", str(name)), moment, found)


def _refuse_resource(tree: Tree[Token], attribute: Attribute) -> None:
    """Keep tests that SQL would have to word in another way off rows."""
    if attribute.root == "resource":
        raise _fail(tree, "this test cannot be asked of a resource")


def _token(tree: Tree[Token], index: int) -> Token:
    found = tree.children[index]
    if not isinstance(found, Token):
        raise _fail(tree, "a name or value is needed here")
    return found


def _number(token: Token) -> int | Decimal:
    if "." in token:
        return Decimal(str(token))
    if len(token) > len(str(MAX_INTEGER)) or int(token) > MAX_INTEGER:
        raise _fail(token, "the number is too large")
    return int(token)


def _unquoted(token: Token) -> str:
    def replaced(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in ESCAPED:
            raise _fail(token, f"unknown escape \\{code}")
        return ESCAPED[code]

    text = ESCAPE.sub(replaced, str(token)[1:-1])
    if known(text) is None:
        raise _fail(token, "the text holds characters that cannot be stored")
    return text

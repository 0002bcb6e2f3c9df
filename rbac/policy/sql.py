"""A syntax tree becomes SQL with named parameters, for PostgreSQL's WHERE.

What does not depend on the row is evaluated first, by the same closures that answer
checks; only the rest is worded as SQL. Both agree on every row, NULLs included: values
of different kinds are unknown to each other, texts are ordered by code point.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from rbac.policy import syntax
from rbac.policy.evaluation import compile_node, reader
from rbac.policy.syntax import Node, Term, mentions_resource
from rbac.policy.values import KINDS, Bindings, Kind, Scalar, Tri

BIGINT = 2**63
UNKNOWN = "CAST(NULL AS boolean)"
SIGNS: Mapping[syntax.Comparison, str] = {
    "==": "=",
    "!=": "<>",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """True for the rows meant, false or NULL for others; values are parameters."""

    sql: str
    params: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the row; `kind` is None when the caller did not say."""

    quoted: str
    kind: Kind | None


class _Sql(str):
    """A piece of SQL that yields a boolean or NULL; anything else is a constant."""

    __slots__ = ()


_Piece = _Sql | Tri
_Operand = _Column | Scalar | None


@dataclass(slots=True)
class SqlWriter:
    """Words conditions over the given columns; no other name gets into the text."""

    columns: Mapping[str, Kind | None]
    prefix: str = "scope"
    params: dict[str, Scalar] = field(default_factory=dict)

    def where(self, node: Node, bindings: Bindings) -> str:
        """Return SQL that is true, false or NULL as the condition is."""
        piece = self._piece(node, bindings)
        return piece if isinstance(piece, _Sql) else constant(piece)

    def _piece(  # noqa: PLR0911 - a case each
        self, node: Node, bindings: Bindings
    ) -> _Piece:
        if not mentions_resource(node):
            return compile_node(node)(bindings)
        match node:
            case syntax.Truth(term):
                return self._truth(self._operand(term, bindings))
            case syntax.Compare(sign, left, right):
                one, other = (self._operand(term, bindings) for term in (left, right))
                return self._compared(sign, one, other)
            case syntax.Member(item, options):
                one = self._operand(item, bindings)
                others = [self._operand(option, bindings) for option in options]
                return _either([self._compared("==", one, other) for other in others])
            case syntax.Has(attribute):
                column = self._operand(attribute, bindings)
                if not isinstance(column, _Column):
                    return False
                return _Sql(f"({column.quoted} IS NOT NULL)")
            case syntax.TextTest(sign, subject, part):
                one, other = (self._operand(term, bindings) for term in (subject, part))
                return self._text_test(sign, one, other)
            case _:
                return self._logic(node, bindings)

    def _logic(self, node: Node, bindings: Bindings) -> _Piece:
        match node:
            case syntax.Not(item):
                return _opposite(self._piece(item, bindings))
            case syntax.And(items):
                return _all([self._piece(item, bindings) for item in items])
            case syntax.Or(items):
                return _either([self._piece(item, bindings) for item in items])
            case syntax.Choice(test, yes, no):
                return self._choice(
                    self._piece(test, bindings),
                    lambda: self._piece(yes, bindings),
                    lambda: self._piece(no, bindings),
                )
            case _:
                return None

    def _choice(
        self, test: _Piece, yes: Callable[[], _Piece], no: Callable[[], _Piece]
    ) -> _Piece:
        if not isinstance(test, _Sql):
            return None if test is None else (yes() if test else no())
        one, other = _worded(yes()), _worded(no())
        # Not CASE ... ELSE: an unknown test would fall into the ELSE.
        return _Sql(f"(CASE WHEN {test} THEN {one} WHEN NOT {test} THEN {other} END)")

    def _operand(self, term: Term, bindings: Bindings) -> _Operand:
        if isinstance(term, syntax.Attribute) and term.root == "resource":
            if term.name not in self.columns:
                return None
            name = term.name.replace('"', '""')
            return _Column(f'"{name}"', self.columns[term.name])
        return reader(term)(bindings)

    def _truth(self, operand: _Operand) -> _Piece:
        if not isinstance(operand, _Column):
            return operand if isinstance(operand, bool) else None
        if operand.kind in (Kind.BOOLEAN, None):
            return _Sql(operand.quoted)
        return None

    def _compared(
        self, sign: syntax.Comparison, one: _Operand, other: _Operand
    ) -> _Piece:
        if one is None or other is None:
            return None
        kinds = {kind for kind in (_kind(one), _kind(other)) if kind is not None}
        ordered = sign not in ("==", "!=")
        if len(kinds) > 1 or (ordered and Kind.BOOLEAN in kinds):
            return None
        if not isinstance(one, _Column) and not isinstance(other, _Column):
            node = syntax.Compare(sign, syntax.Literal(one), syntax.Literal(other))
            return compile_node(node)(Bindings({}, {}))
        left, right = self._worded_operand(one), self._worded_operand(other)
        if ordered and Kind.TEXT in kinds:
            left = f'{left} COLLATE "C"'
        return _Sql(f"({left} {SIGNS[sign]} {right})")

    def _text_test(
        self, sign: syntax.TextOperator, one: _Operand, other: _Operand
    ) -> _Piece:
        if not all(_kind(side) in (Kind.TEXT, None) for side in (one, other)):
            return None
        if one is None or other is None:
            return None
        text, part = self._worded_operand(one), self._worded_operand(other)
        match sign:
            case "contains":
                return _Sql(f"(position({part} in {text}) > 0)")
            case "startsWith":
                return _Sql(f"(left({text}, char_length({part})) = {part})")
            case "endsWith":
                return _Sql(f"(right({text}, char_length({part})) = {part})")
            case _:
                assert_never(sign)

    def _worded_operand(self, operand: _Column | Scalar) -> str:
        if isinstance(operand, _Column):
            return operand.quoted
        name = f"{self.prefix}_{len(self.params) + 1}"
        self.params[name] = operand
        # The cast keeps a text from being read as a number by the server.
        return f"CAST(:{name} AS {_sql_type(operand)})"


def constant(value: Tri) -> str:
    """Return the SQL of a truth value."""
    if value is None:
        return UNKNOWN
    return "TRUE" if value else "FALSE"


def typed_columns(
    columns: Collection[str] | Mapping[str, Kind | None],
) -> Mapping[str, Kind | None]:
    """Return the columns with their kinds, None where none was given."""
    if isinstance(columns, Mapping):
        return columns
    return dict.fromkeys(columns)


def _kind(operand: _Operand) -> Kind | None:
    if operand is None:
        return None
    return operand.kind if isinstance(operand, _Column) else KINDS[type(operand)]


def _sql_type(value: Scalar) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "bigint" if -BIGINT <= value < BIGINT else "numeric"
        case Decimal():
            return "numeric"
        case datetime():
            return "timestamptz"
        case str():
            return "text"
        case _:
            assert_never(value)


def _worded(piece: _Piece) -> str:
    return piece if isinstance(piece, _Sql) else constant(piece)


def _opposite(piece: _Piece) -> _Piece:
    if isinstance(piece, _Sql):
        return _Sql(f"(NOT {piece})")
    return None if piece is None else not piece


def _all(pieces: Iterable[_Piece]) -> _Piece:
    return _joined(list(pieces), "AND", absorbing=False)


def _either(pieces: Iterable[_Piece]) -> _Piece:
    return _joined(list(pieces), "OR", absorbing=True)


def _joined(pieces: list[_Piece], word: str, *, absorbing: bool) -> _Piece:
    """Join with AND (absorbed by false) or OR (absorbed by true)."""
    if any(piece is absorbing for piece in pieces):
        return absorbing
    worded: list[str] = [piece for piece in pieces if isinstance(piece, _Sql)]
    unknown = any(piece is None for piece in pieces)
    if not worded:
        return None if unknown else not absorbing
    if unknown:
        worded.append(UNKNOWN)
    return _Sql(f"({f' {word} '.join(worded)})")

"""Holds query SQL against an allow list: one SELECT over datasets, nothing else.

Everything that is not listed is refused: node types, functions, argument kinds, even
characters. There are no subqueries, so there is one scope and every column in it can
be told to be a column of a dataset.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from chat.datasets.definitions import IDENTIFIER, DatasetSpec
from chat.datasets.errors import QueryRefused

MAX_SQL_LENGTH = 4_000
# No quotes of identifiers, no backslash, dollar or semicolon: what these could hide
# from the parser (comments, escapes, quoting) cannot be written at all.
CHARACTERS = re.compile(r"[A-Za-z0-9_ \r\n\t.,()*+\-/<>=!:'|]+")
COMMENTS = ("--", "/*", "*/")
LITERAL = re.compile(r"[A-Za-z0-9_ .,()+\-/<>=!|]*")
CALLER_PARAMETERS = frozenset(
    {"caller_username", "caller_team", "caller_region", "caller_department"}
)
COUNTED_PERSONS = "counted_persons"
ENUMERATED_SLOTS: Final = frozenset({"quarter", "year", "region", "department"})

AGGREGATES: Final = (exp.Sum, exp.Count, exp.Avg, exp.Min, exp.Max)
# Minimum and maximum are the figure of one person.
GROUP_AGGREGATES: Final = (exp.Sum, exp.Count, exp.Avg)
NODES: Final[frozenset[type[exp.Expr]]] = frozenset(
    {
        exp.Select, exp.From, exp.Join, exp.Table, exp.TableAlias, exp.Identifier,
        exp.Column, exp.Alias, exp.Where, exp.Group, exp.Order, exp.Ordered, exp.Limit,
        exp.Literal, exp.Boolean, exp.Null, exp.Placeholder, exp.Paren,
        exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
        exp.Is, exp.In, exp.Between, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg,
        exp.Case, exp.If, exp.Cast, exp.DataType, exp.Star, exp.Distinct, exp.DPipe,
        exp.Round, exp.Coalesce, exp.Lower, exp.Upper, exp.Abs, exp.Nullif,
        *AGGREGATES,
    }
)  # fmt: skip
# Arguments that a node may carry; the others of these nodes must be empty.
ARGUMENTS: Final[Mapping[type[exp.Expr], frozenset[str]]] = {
    exp.Select: frozenset(
        {"expressions", "from_", "joins", "where", "group", "order", "limit"}
    ),
    exp.Table: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Identifier: frozenset({"this"}),
    exp.Join: frozenset({"this", "on", "kind", "side"}),
    exp.Group: frozenset({"expressions"}),
    exp.Order: frozenset({"expressions"}),
    exp.Limit: frozenset({"expression"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "nested"}),
    exp.Star: frozenset(),
    exp.Distinct: frozenset({"expressions"}),
    exp.Placeholder: frozenset({"this"}),
}
# Arguments that must be a written name and nothing that stands for one.
NAMES: Final[Mapping[type[exp.Expr], tuple[str, ...]]] = {
    exp.Table: ("this",),
    exp.TableAlias: ("this",),
    exp.Alias: ("alias",),
    exp.Column: ("this", "table"),
}
CAST_TYPES: Final = frozenset({"INT", "BIGINT", "DECIMAL", "TEXT", "DATE"})


@dataclass(frozen=True)
class Output:
    """One column of the answer, and the dataset columns that it is made from."""

    name: str
    made_from: frozenset[tuple[str, str]]  # (alias of the dataset, column)
    is_plain: bool


@dataclass(frozen=True, eq=False)
class CheckedQuery:
    """SQL that is proven to be one SELECT over known datasets; equal to itself only."""

    tree: exp.Select
    datasets: Mapping[str, DatasetSpec]  # by the alias used in the query
    outputs: tuple[Output, ...]
    # Columns that decide which rows there are: WHERE, JOIN, GROUP BY, ORDER BY.
    deciding: frozenset[tuple[str, str]]
    # The same without ORDER BY.
    choosing: frozenset[tuple[str, str]]
    parameters: frozenset[str]
    is_aggregate: bool


def check_query(
    sql: str,
    *,
    datasets: Mapping[str, DatasetSpec],
    parameters: frozenset[str],
    aggregate_only: str = "",
) -> CheckedQuery:
    """Return the query once everything in it is allowed; raise QueryRefused.

    `aggregate_only` is empty, or the reason for which only groups may be shown.
    """
    tree = _parsed(sql)
    _check_nodes(tree)
    used = _datasets_of(tree, datasets)
    outputs = _outputs(tree, used)
    _check_columns(tree, used, frozenset(output.name for output in outputs))
    _check_parameters(tree, parameters)
    if aggregate_only:
        _check_groups(tree, used)
        _check_slots(parameters)
    return CheckedQuery(
        tree=tree,
        datasets=used,
        outputs=outputs,
        deciding=_choosing(tree, used) | _ordering(tree, used),
        choosing=_choosing(tree, used),
        parameters=frozenset(p.name for p in tree.find_all(exp.Placeholder)),
        is_aggregate=bool(aggregate_only),
    )


@lru_cache(maxsize=1024)
def without_idle_filters(query: CheckedQuery, unset: frozenset[str]) -> CheckedQuery:
    """Return the query without filters `(:name IS NULL OR ...)` of unset parameters.

    They are true of every row, so that the columns in them decide nothing.
    """
    tree = query.tree.copy()
    where = tree.args.get("where")
    if where is None:
        return query
    both = where.this
    parts = list(both.flatten(unnest=False)) if isinstance(both, exp.And) else [both]
    kept = [part.copy() for part in parts if not _is_idle(part, unset)]
    tree.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)
    used = query.datasets
    return replace(
        query,
        tree=tree,
        deciding=_choosing(tree, used) | _ordering(tree, used),
        choosing=_choosing(tree, used),
        parameters=frozenset(p.name for p in tree.find_all(exp.Placeholder)),
    )


def _is_idle(part: exp.Expr, unset: frozenset[str]) -> bool:
    inner = part.unnest()
    if not isinstance(inner, exp.Or):
        return False
    # Compared whole: IS NOT NULL is the same node with one argument more.
    true = [
        exp.Is(this=exp.Placeholder(this=name), expression=exp.Null()) for name in unset
    ]
    return any(one in true for one in inner.flatten(unnest=False))


def _parsed(sql: str) -> exp.Select:
    if len(sql) > MAX_SQL_LENGTH:
        raise QueryRefused("The SQL is longer than 4,000 characters.")
    if not CHARACTERS.fullmatch(sql) or any(mark in sql for mark in COMMENTS):
        raise QueryRefused(
            "The SQL holds a comment or a character that is not allowed."
        )
    try:
        statements = sqlglot.parse(sql, dialect="postgres")
    except (SqlglotError, RecursionError) as error:
        raise QueryRefused("This is not SQL.") from error
    if len(statements) != 1 or type(statements[0]) is not exp.Select:
        raise QueryRefused("Write exactly one SELECT.")
    return statements[0]


def _check_nodes(tree: exp.Select) -> None:
    for node in tree.walk():
        kind = type(node)
        if kind is exp.Literal and isinstance(node.parent, (exp.Ordered, exp.Group)):
            raise QueryRefused("Name the column to sort or group by.")
        if kind not in NODES:
            raise QueryRefused(f"{_worded(node)} is not allowed here.")
        if kind in ARGUMENTS:
            _check_arguments(node, ARGUMENTS[kind])
        if isinstance(node, exp.Select) and node is not tree:
            raise QueryRefused("There may be no query inside the query.")
        _check_names(node)
        _check_node(node)


def _check_arguments(node: exp.Expr, allowed: frozenset[str]) -> None:
    for name, value in node.args.items():
        if value and name not in allowed:
            part = name.strip("_").upper()
            raise QueryRefused(f"{_worded(node)} may not use {part}.")


def _check_names(node: exp.Expr) -> None:
    for name in NAMES.get(type(node), ()):
        given = node.args.get(name)
        # The parser takes a parameter for a name in places: `FROM sales:a`.
        if given is not None and not isinstance(given, exp.Identifier):
            raise QueryRefused("Datasets, columns and short names are plain names.")


def _check_node(node: exp.Expr) -> None:
    match node:
        case exp.Literal() if node.is_string and not LITERAL.fullmatch(node.name):
            raise QueryRefused(
                "A text in the SQL holds a character that is not allowed."
            )
        case exp.Star() if not isinstance(node.parent, exp.Count):
            raise QueryRefused("Name the columns; * is only for COUNT(*).")
        case exp.Distinct() if not isinstance(node.parent, exp.Count):
            raise QueryRefused("DISTINCT is only for COUNT(DISTINCT ...).")
        case exp.DataType() if node.this.name not in CAST_TYPES:
            raise QueryRefused(f"Casting to {node.sql()} is not allowed.")
        case exp.Placeholder() if not IDENTIFIER.fullmatch(node.name):
            raise QueryRefused("Parameters are written :name.")
        case exp.Join() if node.args.get("on") is None:
            raise QueryRefused("A JOIN needs ON.")
        case exp.Join() if node.kind == "CROSS" or node.side in {"RIGHT", "FULL"}:
            raise QueryRefused("Only JOIN and LEFT JOIN are allowed.")


def _worded(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"The function {node.name}"
    return node.key.upper()


def _datasets_of(
    tree: exp.Select, known: Mapping[str, DatasetSpec]
) -> dict[str, DatasetSpec]:
    used: dict[str, DatasetSpec] = {}
    for table in tree.find_all(exp.Table):
        spec = known.get(table.name)
        if spec is None:
            raise QueryRefused(f"There is no dataset “{table.name}”.")
        alias = table.alias_or_name
        if not IDENTIFIER.fullmatch(alias):
            raise QueryRefused("The short name of a dataset is a plain name.")
        if alias in used:
            raise QueryRefused(f"“{alias}” is used twice; give each its own name.")
        used[alias] = spec
    if not used:
        raise QueryRefused("The query reads no dataset.")
    # `SELECT sales FROM sales` is the whole row in PostgreSQL.
    if clash := set(used) & {name for spec in used.values() for name in spec.names}:
        raise QueryRefused(f"“{min(clash)}” names both a dataset and a column.")
    return used


def _check_columns(
    tree: exp.Select, used: Mapping[str, DatasetSpec], aliases: frozenset[str]
) -> None:
    for column in tree.find_all(exp.Column):
        ordered = column.find_ancestor(exp.Order, exp.Select)
        by_alias = isinstance(ordered, exp.Order) and column.name in aliases
        if not (by_alias and not column.table):
            _origin(column, used)


def _origin(column: exp.Column, used: Mapping[str, DatasetSpec]) -> tuple[str, str]:
    """Return which dataset a column is of; there is never a guess."""
    if column.table:
        owners = [column.table] if column.table in used else []
    else:
        owners = [alias for alias, spec in used.items() if column.name in spec.names]
    if len(owners) != 1 or column.name not in used[owners[0]].names:
        raise QueryRefused(f"“{column.sql()}” is not one column of the datasets.")
    return owners[0], column.name


def _origins(node: exp.Expr, used: Mapping[str, DatasetSpec]) -> set[tuple[str, str]]:
    return {_origin(column, used) for column in node.find_all(exp.Column)}


def _outputs(tree: exp.Select, used: Mapping[str, DatasetSpec]) -> tuple[Output, ...]:
    outputs = []
    for projection in tree.expressions:
        name = projection.alias_or_name
        if not IDENTIFIER.fullmatch(name) or name == COUNTED_PERSONS:
            raise QueryRefused(
                "Every column of the answer needs a plain name (AS ...)."
            )
        inner = projection.unalias()
        made_from = frozenset(_origins(inner, used))
        outputs.append(Output(name, made_from, isinstance(inner, exp.Column)))
    if len({output.name for output in outputs}) != len(outputs):
        raise QueryRefused("Two columns of the answer have the same name.")
    return tuple(outputs)


def _choosing(
    tree: exp.Select, used: Mapping[str, DatasetSpec]
) -> frozenset[tuple[str, str]]:
    parts = [
        tree.args.get("where"),
        tree.args.get("group"),
        *tree.args.get("joins", []),
    ]
    return frozenset(
        origin for part in parts if part for origin in _origins(part, used)
    )


def _ordering(
    tree: exp.Select, used: Mapping[str, DatasetSpec]
) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    named = {p.alias: p for p in tree.expressions if p.alias}
    for column in (tree.args.get("order") or exp.Order()).find_all(exp.Column):
        if column.table or column.name not in named:
            found.add(_origin(column, used))
        else:  # sorted by a figure: by all that it is made from
            found |= _origins(named[column.name], used)
    return frozenset(found)


def _check_parameters(tree: exp.Select, declared: frozenset[str]) -> None:
    used = {node.name for node in tree.find_all(exp.Placeholder)}
    if unknown := used - declared - CALLER_PARAMETERS:
        raise QueryRefused(f"The parameter :{min(unknown)} is not declared.")
    if unused := declared - used:
        raise QueryRefused(f"The parameter :{min(unused)} is declared but not used.")


def _check_groups(tree: exp.Select, used: Mapping[str, DatasetSpec]) -> None:
    """Only groups of persons may be shown: sums, counts and averages by plain keys."""
    spec = next(iter(used.values()))
    if len(used) != 1 or not spec.person_column:
        raise QueryRefused("An aggregate reads one dataset that has a person column.")
    if tree.args.get("limit"):
        raise QueryRefused("An aggregate has no LIMIT: all groups are counted first.")
    if {p.name for p in tree.find_all(exp.Placeholder)} & CALLER_PARAMETERS:
        raise QueryRefused("An aggregate may not be about the caller alone.")
    _check_keys(tree, spec)
    if any(isinstance(node, (exp.Case, exp.Min, exp.Max)) for node in tree.walk()):
        raise QueryRefused("CASE, MIN and MAX would show the figure of one person.")
    if not any(tree.find_all(*GROUP_AGGREGATES)):
        raise QueryRefused("An aggregate needs SUM, COUNT or AVG.")
    for projection in tree.expressions:
        _check_projection(projection)


def _check_slots(declared: frozenset[str]) -> None:
    """Refuse free slots: one would cut a group down to one person."""
    if free := declared - ENUMERATED_SLOTS:
        raise QueryRefused(
            f"An aggregate takes quarter, year, region, department; not {min(free)}."
        )


def _check_keys(tree: exp.Select, spec: DatasetSpec) -> None:
    keys = _group_keys(tree)
    shown = {projection.name for projection in tree.expressions if _is_key(projection)}
    if shown != keys:
        raise QueryRefused("An aggregate shows exactly the columns it groups by.")
    if spec.person_column in keys:
        raise QueryRefused("An aggregate may not group by person.")


def _group_keys(tree: exp.Select) -> set[str]:
    group = tree.args.get("group")
    keys = list(group.expressions) if group else []
    if not all(isinstance(key, exp.Column) for key in keys):
        raise QueryRefused("An aggregate groups by plain columns.")
    return {key.name for key in keys}


def _is_key(projection: exp.Expr) -> bool:
    return isinstance(projection.unalias(), exp.Column)


def _check_projection(projection: exp.Expr) -> None:
    if _is_key(projection):
        if isinstance(projection, exp.Alias):
            raise QueryRefused("A column that is grouped by keeps its name.")
        return
    for column in projection.find_all(exp.Column):
        if column.find_ancestor(*GROUP_AGGREGATES) is None:
            raise QueryRefused("Every figure of an aggregate is SUM, COUNT or AVG.")

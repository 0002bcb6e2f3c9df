"""Puts what an actor may see in the place of every dataset of a query."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp

from chat.constants import MAX_UNITS
from chat.datasets.checker import (
    COUNTED_PERSONS,
    CheckedQuery,
    Output,
    without_idle_filters,
)
from chat.datasets.definitions import ColumnType, DatasetSpec
from chat.datasets.errors import ColumnRefused
from chat.datasets.masking import hmac_keys, hmac_sql, keeps_type, masked_sql
from chatsec.core.context import AttributeValue
from rbac.policy.masks import Mask, MaskKind

BASE = "base"
UNITS = "units"
SUMMED = (ColumnType.INTEGER, ColumnType.NUMERIC)
SQL_TYPES = {
    ColumnType.INTEGER: "integer",
    ColumnType.NUMERIC: "numeric",
    ColumnType.TEXT: "text",
    ColumnType.DATE: "date",
    ColumnType.BOOLEAN: "boolean",
}


@dataclass(frozen=True)
class Condition:
    """A row filter over the columns of one dataset, with its named parameters."""

    sql: str
    parameters: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True)
class MaskedLayer:
    """Where a column is shown under one mask; None is everywhere."""

    mask: Mask
    where: Condition | None


@dataclass(frozen=True)
class DatasetView:
    """The rows and the columns of a dataset that one actor may see.

    `rows` is None for all rows. `columns` names the visible columns; a condition there
    says in which of the rows. `masked` names those of which a cell may be shown masked:
    the first layer that applies counts. A column that is in neither is not visible.
    """

    rows: Condition | None
    columns: Mapping[str, Condition | None]
    masked: Mapping[str, tuple[MaskedLayer, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class BoundQuery:
    """SQL that can show nothing but what the views of its datasets allow."""

    sql: str
    parameters: Mapping[str, AttributeValue]
    outputs: tuple[Output, ...]
    counts_persons: bool
    source_datasets: tuple[str, ...]


def bind_query(
    query: CheckedQuery,
    *,
    views: Mapping[str, DatasetView],
    parameters: Mapping[str, AttributeValue],
    max_rows: int,
) -> BoundQuery:
    """Return the query over the actor's views; raise QueryRefused if it cannot be.

    A column of the answer that is made from a hidden column is left out. A hidden or
    masked column that decides which rows there are, or in which order, refuses the
    query: what it leaves out or puts first would tell the value. A masked column may
    only be shown, never reckoned with.
    """
    if _hidden(query, views):
        unset = {name for name in query.parameters if parameters.get(name) is None}
        query = without_idle_filters(query, frozenset(unset))
    if hidden := _hidden(query, views):
        alias, column = min(hidden)
        raise ColumnRefused(query.datasets[alias].by_name[column].label)
    outputs = tuple(one for one in query.outputs if _is_shown(one, query, views))
    if not outputs:
        raise ColumnRefused(query.outputs[0].name.replace("_", " "))
    relations, bound = _relations(query, views)
    sql = _written(
        query,
        frozenset(output.name for output in outputs),
        tuple(relations.items()),
        max_rows,
    )
    named = {name: parameters.get(name) for name in query.parameters}
    return BoundQuery(
        sql=sql,
        parameters={**named, **bound},
        outputs=outputs,
        counts_persons=query.is_aggregate,
        source_datasets=tuple(sorted({s.name for s in query.datasets.values()})),
    )


def bind_units(
    query: CheckedQuery,
    *,
    views: Mapping[str, DatasetView],
    parameters: Mapping[str, AttributeValue],
    grid: Collection[str],
    salt: str,
) -> BoundQuery:
    """Return the units that the groups of an aggregate are made of, as keyed digests.

    A unit is what one person has in one cell of the grid. Its digest changes with the
    number and the sum of its rows, so that later answers do not pass for the same.
    """
    (spec,) = query.datasets.values()
    view = views[spec.name]
    keys = [one.name for one in query.outputs if one.is_plain]
    # What hidden columns hold is only counted and added up, to notice changes, and
    # never shown; those that choose rows are seen in all of them.
    whole = DatasetView(view.rows, dict.fromkeys(spec.by_name))
    relations, bound = _relations(query, {spec.name: whole})
    sql = _units_sql(query, tuple(sorted({*grid, *keys})), tuple(relations.items()))
    named = {name: parameters.get(name) for name in query.parameters}
    key = f"unit_{spec.name}"
    person = hmac_sql(f'CAST("{spec.person_column}" AS text)', key=key)
    unit = hmac_sql(f"CAST(ROW({UNITS}.*) AS text)", key=key)
    columns = [*(f'"{name}"' for name in keys), f"{person} AS p", f"{unit} AS u"]
    return BoundQuery(
        sql=f"SELECT {', '.join(columns)} FROM ({sql}) AS {UNITS}",  # noqa: S608
        parameters={**named, **bound, **hmac_keys(salt, key=key)},
        outputs=(),
        counts_persons=False,
        source_datasets=(),
    )


def _units_sql(
    query: CheckedQuery, grid: tuple[str, ...], relations: tuple[tuple[str, str], ...]
) -> str:
    ((alias, spec),) = query.datasets.items()
    cut = [
        exp.column(name, table=alias)
        for name in dict.fromkeys([*grid, spec.person_column])
    ]
    sums = [
        exp.alias_(exp.Sum(this=exp.column(column.name, table=alias)), f"sum_{number}")
        for number, column in enumerate(spec.columns)
        if column.type in SUMMED and column.name not in grid
    ]
    tree = query.tree.copy()
    count = exp.alias_(exp.Count(this=exp.Star()), "row_count")
    tree.set("expressions", [*cut, count, *sums])
    tree.set("group", exp.Group(expressions=[one.copy() for one in cut]))
    tree.set("order", None)
    tree.set("limit", exp.Limit(expression=exp.Literal.number(MAX_UNITS + 1)))
    return _render(tree, dict(relations))


def _hidden(
    query: CheckedQuery, views: Mapping[str, DatasetView]
) -> set[tuple[str, str]]:
    return {origin for origin in query.deciding if _is_hidden(origin, query, views)}


def _is_hidden(
    origin: tuple[str, str], query: CheckedQuery, views: Mapping[str, DatasetView]
) -> bool:
    alias, column = origin
    columns = views[query.datasets[alias].name].columns
    if query.is_aggregate and columns.get(column) is not None:
        # Seen in some rows only: the figure would be of fewer people than are counted.
        return True
    return column not in columns


def _is_shown(
    output: Output, query: CheckedQuery, views: Mapping[str, DatasetView]
) -> bool:
    hidden = [one for one in output.made_from if _is_hidden(one, query, views)]
    if not output.is_plain or query.is_aggregate:
        return not hidden
    return all(
        column in views[query.datasets[alias].name].masked for alias, column in hidden
    )


@lru_cache(maxsize=1024)
def _written(
    query: CheckedQuery,
    names: frozenset[str],
    relations: tuple[tuple[str, str], ...],
    max_rows: int,
) -> str:
    """Return the SQL; the views are part of the key, their values are bound later."""
    tree = _shown(query, names)
    _limit(tree, max_rows)
    return _render(tree, dict(relations))


def _shown(query: CheckedQuery, names: frozenset[str]) -> exp.Select:
    tree = query.tree.copy()
    kept = [one for one in tree.expressions if one.alias_or_name in names]
    if query.is_aggregate:
        ((alias, spec),) = query.datasets.items()
        person = exp.column(spec.person_column, table=alias)
        counted = exp.Count(this=exp.Distinct(expressions=[person]))
        kept.append(exp.alias_(counted, COUNTED_PERSONS))
    tree.set("expressions", kept)
    return tree


def _limit(tree: exp.Select, max_rows: int) -> None:
    """Ask for one row more than may be shown, so that a cut is noticed."""
    present = tree.args.get("limit")
    own = present.expression if present else None
    if isinstance(own, exp.Literal) and own.is_int and int(own.name) <= max_rows:
        return
    tree.set("limit", exp.Limit(expression=exp.Literal.number(max_rows + 1)))


def _relations(
    query: CheckedQuery, views: Mapping[str, DatasetView]
) -> tuple[dict[str, str], dict[str, AttributeValue]]:
    """Return the SQL of every alias's view, and all parameters of their conditions."""
    relations: dict[str, str] = {}
    bound: dict[str, AttributeValue] = {}
    for alias, spec in query.datasets.items():
        view = views[spec.name]
        for condition in filter(None, _conditions(view)):
            bound.update(condition.parameters)
        for name, layers in view.masked.items():
            if any(layer.mask.kind is MaskKind.HASH for layer in layers):
                key = _key(spec, name)
                bound.update(hmac_keys(f"mask:{spec.name}.{name}", key=key))
        relations[alias] = view_sql(spec, view)
    return relations, bound


def _conditions(view: DatasetView) -> Iterator[Condition | None]:
    yield view.rows
    yield from view.columns.values()
    for layers in view.masked.values():
        yield from (layer.where for layer in layers)


def _key(spec: DatasetSpec, column: str) -> str:
    return f"mask_{spec.name}_{column}"


def view_sql(spec: DatasetSpec, view: DatasetView) -> str:
    """Return the subquery that stands for the dataset."""
    columns = ", ".join(_column_sql(spec, name, view) for name in spec.by_name)
    relation = ".".join(f'"{part}"' for part in spec.relation.split("."))
    rows = f" WHERE ({view.rows.sql})" if view.rows else ""
    # Names were held against IDENTIFIER when the dataset was declared.
    return f'(SELECT {columns} FROM {relation} AS "{BASE}"{rows})'  # noqa: S608


def _column_sql(spec: DatasetSpec, name: str, view: DatasetView) -> str:
    if name in view.masked:
        return f'{_masked_sql(spec, name, view.masked[name])} AS "{name}"'
    if name not in view.columns:
        return f'CAST(NULL AS {SQL_TYPES[spec.by_name[name].type]}) AS "{name}"'
    condition = view.columns[name]
    if condition is None:
        return f'"{name}"'
    return f'CASE WHEN ({condition.sql}) THEN "{name}" END AS "{name}"'


def _masked_sql(spec: DatasetSpec, name: str, layers: tuple[MaskedLayer, ...]) -> str:
    column = spec.by_name[name]
    typed = keeps_type(column, [layer.mask for layer in layers])
    cases, rest = [], "NULL"
    for layer in layers:
        shown = masked_sql(column, layer.mask, key=_key(spec, name))
        shown = shown if typed else f"CAST({shown} AS text)"
        if layer.where is None:
            rest = shown
            break
        cases.append(f"WHEN ({layer.where.sql}) THEN {shown}")
    return f"CASE {' '.join(cases)} ELSE {rest} END" if cases else rest


def _render(tree: exp.Select, relations: Mapping[str, str]) -> str:
    """Write the tree as SQL with `:name` parameters and the views in their places."""
    for placeholder in list(tree.find_all(exp.Placeholder)):
        placeholder.replace(exp.Var(this=f":{placeholder.name}"))
    marks: dict[str, str] = {}
    for number, table in enumerate(list(tree.find_all(exp.Table))):
        mark = f"__view_{number}__"
        marks[mark] = relations[table.alias_or_name]
        alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
        table.replace(exp.Table(this=exp.to_identifier(mark), alias=alias))
    sql = tree.sql(dialect="postgres", comments=False)
    for mark, relation in marks.items():
        sql = sql.replace(mark, relation, 1)
    return sql

"""Which rows and columns a permission shows: grants as a filter for a query.

A grant is a pair (rows, columns). A cell is visible if one grant covers both; denies
come last. Contextual conditions are settled when the scope is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rbac.policy.conditions import Condition
from rbac.policy.decisions import Held, Question
from rbac.policy.sql import SqlCondition, SqlWriter, typed_columns
from rbac.policy.values import Bindings, Kind

Columns = Collection[str] | Mapping[str, Kind | None]


class Part(NamedTuple):
    """Rows where the filter is true (None: all), and columns (None: all)."""

    rows: Condition | None = None
    columns: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class DataScope:
    """What one permission shows to one actor now; nothing without grants."""

    permission: str
    grants: tuple[Part, ...]
    denies: tuple[Part, ...]
    bindings: Bindings

    @property
    def is_empty(self) -> bool:
        """Whether nothing is visible, whatever the data."""
        whole = any(part == Part() for part in self.denies)
        return whole or not self.grants

    def to_sql(self, columns: Columns, *, prefix: str = "scope") -> SqlCondition:
        """Return the WHERE of the rows of which something is visible.

        `columns` maps the relation's columns to their kinds; plain names do, but then
        a comparison across kinds is an error of the database instead of unknown. A
        filter that names any other column covers nothing, and denies everything.
        """
        return self._where(columns, prefix, self.grants)

    def column_sql(
        self, column: str, columns: Columns, *, prefix: str = "cell"
    ) -> SqlCondition:
        """Return where this column's cells may be shown."""
        covering = [part for part in self.grants if _covers(part, column)]
        if self._is_denied(column):
            covering = []
        return self._where(columns, prefix, covering)

    def visible_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the columns whose cells are visible in every row of `to_sql`.

        A column that only some of those rows may show is left out: ask `column_sql`.
        """
        filters = {part.rows for part in self.grants}
        return tuple(
            column
            for column in columns
            if not self._is_denied(column) and self._shows(column, filters)
        )

    def partly_visible_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the columns that only some rows may show; mask by `column_sql`."""
        columns = tuple(columns)
        everywhere = set(self.visible_columns(columns))
        return tuple(
            column
            for column in columns
            if column not in everywhere
            and not self._is_denied(column)
            and any(_covers(part, column) for part in self.grants)
        )

    def _shows(self, column: str, filters: set[Condition | None]) -> bool:
        shown = {part.rows for part in self.grants if _covers(part, column)}
        return None in shown or (bool(shown) and shown >= filters)

    def _is_denied(self, column: str) -> bool:
        # A deny of a column on some rows hides it on all: rows are not counted here.
        return any(
            part.columns is not None and column in part.columns for part in self.denies
        )

    def _where(
        self, columns: Columns, prefix: str, grants: Iterable[Part]
    ) -> SqlCondition:
        writer = SqlWriter(typed_columns(columns), prefix)
        allowed = [self._rows(writer, part) for part in grants]
        if not allowed or any(part == Part() for part in self.denies):
            return SqlCondition("FALSE", {})
        text = "TRUE" if "TRUE" in allowed else f"({' OR '.join(allowed)})"
        for part in self.denies:
            if part.columns is None:
                text += f" AND ({self._rows(writer, part)}) IS FALSE"
        if not writer.params and text == "TRUE":
            return SqlCondition("TRUE", {})
        return SqlCondition(text, writer.params)

    def _rows(self, writer: SqlWriter, part: Part) -> str:
        if part.rows is None:
            return "TRUE"
        return writer.where(part.rows.root, self.bindings)


def scope_of(held: Iterable[Held], question: Question) -> DataScope:
    """Return what the grants that cover the permission show."""
    allows: dict[Part, None] = {}
    denies: dict[Part, None] = {}
    bindings = question.bindings._replace(resource=None)
    for grant, _ in held:
        part = Part(grant.row_filter, grant.columns)
        condition = grant.condition
        if condition is not None and condition.needs_resource:
            part = Part(condition.and_also(grant.row_filter), grant.columns)
        elif condition is not None:
            answer = condition.evaluate(bindings)
            if answer is False or (answer is None and grant.effect == "allow"):
                continue
        if grant.effect == "deny":
            denies.setdefault(part)
        elif not grant.requires_step_up or question.has_stepped_up:
            allows.setdefault(part)
    return DataScope(question.permission, tuple(allows), tuple(denies), bindings)


def _covers(part: Part, column: str) -> bool:
    return part.columns is None or column in part.columns

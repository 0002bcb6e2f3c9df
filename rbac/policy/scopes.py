"""Which rows and columns a permission shows: grants as a filter for a query.

A grant is a pair (rows, columns). A cell is visible if one grant covers both; denies
come last. Where grants show a cell under different masks, the least restrictive counts.
Contextual conditions are settled when the scope is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rbac.policy.conditions import Condition
from rbac.policy.decisions import Held, Question
from rbac.policy.masks import PLAIN, Mask, hides, mask_in, unlimited
from rbac.policy.sql import SqlCondition, SqlWriter, typed_columns
from rbac.policy.values import Bindings, Kind

Columns = Collection[str] | Mapping[str, Kind | None]


class Part(NamedTuple):
    """Rows where the filter is true (None: all), and columns (None: all)."""

    rows: Condition | None = None
    columns: frozenset[str] | None = None


class Layer(NamedTuple):
    """Where a column is shown under one mask, unless an earlier layer applies."""

    mask: Mask
    condition: SqlCondition


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

    def to_sql(
        self,
        columns: Columns,
        *,
        prefix: str = "scope",
        shown: Iterable[str] | None = None,
    ) -> SqlCondition:
        """Return the WHERE of the rows of which something is visible.

        `columns` maps the relation's columns to their kinds; plain names do, but then
        a comparison across kinds is an error of the database instead of unknown. A
        filter that names any other column covers nothing, and denies everything.
        With `shown`, rows count only for these columns.
        """
        names = list(columns if shown is None else shown)
        covering = [
            part
            for part in self.grants
            if part.columns is None
            or any(_mask(part, n) is not None and not self._hidden(n) for n in names)
        ]
        return self._where(columns, prefix, covering, column=None)

    def column_sql(
        self, column: str, columns: Columns, *, prefix: str = "cell"
    ) -> SqlCondition:
        """Return where this column's cells may be shown as they are."""
        covering = [part for part in self.grants if _mask(part, column) == PLAIN]
        return self._where(columns, prefix, covering, column=column)

    def layers(
        self,
        column: str,
        columns: Columns,
        *,
        prefix: str = "cell",
        limit: Callable[[Mask], Mask] = unlimited,
    ) -> tuple[Layer, ...]:
        """Return how the column is shown within `to_sql`, the least masked first.

        `limit` says as what a mask counts here: never as one that shows more.
        """
        found: list[Layer] = []
        for number, mask in enumerate(self._masks(column, limit)):
            covering = [p for p in self.grants if _mask(p, column, limit) == mask]
            named = f"{prefix}_{number}"
            where = self._where(columns, named, covering, column=column)
            if self._covers_all(column, strictest=mask, limit=limit):
                where = SqlCondition("TRUE", {})
            if where.sql != "FALSE":
                found.append(Layer(mask, where))
            if where.sql == "TRUE":
                break
        return tuple(found)

    def visible_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the columns whose cells are visible as they are in all of `to_sql`.

        A column that only some of those rows may show is left out: ask `layers`.
        """
        return tuple(
            column for column in columns if self._covers_all(column, strictest=PLAIN)
        )

    def partly_visible_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the other columns of which something is visible; see `layers`."""
        columns = tuple(columns)
        everywhere = set(self.visible_columns(columns))
        return tuple(
            column
            for column in columns
            if column not in everywhere and self._masks(column)
        )

    def _masks(
        self, column: str, limit: Callable[[Mask], Mask] = unlimited
    ) -> list[Mask]:
        """Return the masks that grants name for the column, the least masking first."""
        if self._hidden(column):
            return []
        named = {_mask(part, column, limit) for part in self.grants}
        return sorted(mask for mask in named if mask is not None)

    def _covers_all(
        self,
        column: str,
        *,
        strictest: Mask,
        limit: Callable[[Mask], Mask] = unlimited,
    ) -> bool:
        """Whether grants up to this mask show the column wherever a row is visible."""
        if any(p.columns is not None and hides(p.columns, column) for p in self.denies):
            return False
        filters = {part.rows for part in self.grants}
        masks = [(part.rows, _mask(part, column, limit)) for part in self.grants]
        shown = {rows for rows, mask in masks if mask is not None and mask <= strictest}
        return None in shown or (bool(shown) and shown >= filters)

    def _hidden(self, column: str) -> bool:
        """Whether a deny takes the column in every row."""
        return any(p.rows is None and hides(p.columns, column) for p in self.denies)

    def _where(
        self,
        columns: Columns,
        prefix: str,
        grants: Iterable[Part],
        *,
        column: str | None,
    ) -> SqlCondition:
        """Return where one of the grants holds and no deny of the row or column."""
        writer = SqlWriter(typed_columns(columns), prefix)
        allowed = [self._rows(writer, part) for part in grants]
        denies = [part for part in self.denies if _denies(part, column)]
        if not allowed or any(part.rows is None for part in denies):
            return SqlCondition("FALSE", {})
        text = "TRUE" if "TRUE" in allowed else f"({' OR '.join(allowed)})"
        for part in denies:
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


def _mask(
    part: Part, column: str, limit: Callable[[Mask], Mask] = unlimited
) -> Mask | None:
    mask = mask_in(part.columns, column)
    return None if mask is None else limit(mask)


def _denies(part: Part, column: str | None) -> bool:
    """Whether the deny is of whole rows, or of this column in them."""
    if part.columns is None:
        return True
    return column is not None and hides(part.columns, column)

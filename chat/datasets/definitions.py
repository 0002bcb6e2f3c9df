"""What a dataset is: a relation with named, typed and classified columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Self

from chat.datasets.errors import DefinitionRefused
from chatsec.core.errors import Json
from rbac.policy.masks import NOTHING, PLAIN, Mask, MaskKind, parse_mask

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
MAX_COLUMNS = 100


class Classification(StrEnum):
    """How much harm a column does in the wrong hands, least first."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    PII = "pii"


class ColumnType(StrEnum):
    """Types that a column may be declared as."""

    INTEGER = "integer"
    NUMERIC = "numeric"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset."""

    name: str
    label: str
    type: ColumnType
    classification: Classification
    # Nobody sees more of the column than this, whatever the grants say.
    mask: Mask = PLAIN

    @classmethod
    def of(cls, declared: Json) -> Self:
        """Return the column that an administrator declared; raise otherwise."""
        if not isinstance(declared, Mapping):
            raise DefinitionRefused("Each column is an object.")
        name = str(declared.get("name", ""))
        if not IDENTIFIER.fullmatch(name):
            raise DefinitionRefused(f"“{name}” is not a column name.")
        mask = parse_mask(str(declared.get("mask") or ""))
        try:
            column = cls(
                name=name,
                label=str(declared.get("label") or name.replace("_", " ")),
                type=ColumnType(str(declared.get("type", ""))),
                classification=Classification(str(declared.get("classification", ""))),
                mask=NOTHING if mask is None else mask,
            )
        except ValueError as error:
            raise DefinitionRefused(f"Column {name}: {error}.") from error
        if mask is None or not column.takes(mask):
            raise DefinitionRefused(f"Column {name}: no such mask for its type.")
        return column

    def takes(self, mask: Mask) -> bool:
        """Whether the mask makes something of values of this type."""
        match mask.kind:
            case MaskKind.BUCKET if mask.period:
                return self.type is ColumnType.DATE
            case MaskKind.BUCKET:
                return self.type in (ColumnType.INTEGER, ColumnType.NUMERIC)
            case MaskKind.LAST4:
                return self.type in (ColumnType.INTEGER, ColumnType.TEXT)
            case _:
                return True

    def limited(self, mask: Mask) -> Mask:
        """Return the stricter of a grant's mask and the column's own.

        A mask that does not fit the type shows nothing.
        """
        return max(mask if self.takes(mask) else NOTHING, self.mask)


@dataclass(frozen=True)
class DatasetSpec:
    """A base relation and its columns; the only thing that query SQL can name."""

    name: str
    relation: str
    columns: tuple[Column, ...]
    # Whose figures a row holds: groups of fewer distinct values are suppressed.
    person_column: str = ""

    @classmethod
    def of(
        cls, name: str, *, relation: str, columns: Json, person_column: str = ""
    ) -> Self:
        """Return the dataset as declared; raise DefinitionRefused if unsound."""
        if not IDENTIFIER.fullmatch(name):
            raise DefinitionRefused("A name is lower case letters, digits and _.")
        if not all(IDENTIFIER.fullmatch(part) for part in relation.split(".")):
            raise DefinitionRefused("The relation is a table name or schema.table.")
        if not isinstance(columns, list) or not 0 < len(columns) <= MAX_COLUMNS:
            raise DefinitionRefused("Name between 1 and 100 columns.")
        parsed = tuple(Column.of(column) for column in columns)
        if len({column.name for column in parsed}) != len(parsed):
            raise DefinitionRefused("Two columns have the same name.")
        spec = cls(name, relation, parsed, person_column)
        if person_column and person_column not in spec.by_name:
            raise DefinitionRefused("The person column is not one of the columns.")
        return spec

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Return the columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the names of the columns."""
        return frozenset(self.by_name)

"""What conditions can reason over. Everything else is absent, that is: unknown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from chatsec.core.context import AttributeValue

Tri = bool | None  # three-valued: None is unknown
Scalar = str | int | bool | Decimal | datetime


class Kind(StrEnum):
    """The kinds that compare with themselves and with nothing else."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"


class Bindings(NamedTuple):
    """What the names of a condition stand for; no resource was named if None."""

    user: Mapping[str, AttributeValue]
    context: Mapping[str, AttributeValue]
    resource: Mapping[str, AttributeValue] | None = None


# By exact type, so that True is never taken for 1.
KINDS: Mapping[type, Kind] = {
    str: Kind.TEXT,
    int: Kind.NUMBER,
    Decimal: Kind.NUMBER,
    bool: Kind.BOOLEAN,
    datetime: Kind.TIME,
}


# Far beyond any figure, far within what PostgreSQL's numeric holds.
MAX_MAGNITUDE = 10**1000
MAX_EXPONENT = 1000


def known(value: object) -> Scalar | None:
    """Return what a condition may compare; None for all that SQL could not hold."""
    exact = type(value)
    if exact is str:
        return _known_text(value)  # type: ignore[arg-type] # by its exact type
    if exact is int:
        return value if -MAX_MAGNITUDE < value < MAX_MAGNITUDE else None  # type: ignore[operator, return-value] # by its exact type
    if exact is bool or value is None:
        return value  # type: ignore[return-value] # by its exact type
    return _known_other(value)


def _known_other(value: object) -> Scalar | None:
    """Return the plain form of a value of a rarer type, so that its kind is certain."""
    match value:
        case Decimal():
            fits = value.is_finite() and abs(value.adjusted()) < MAX_EXPONENT
            return Decimal(value) if fits else None
        case float():
            return _known_other(Decimal(repr(float(value))))
        case datetime():
            return _known_moment(value)
        case UUID():
            return str(value)
        case str() | int():
            return known(str(value) if isinstance(value, str) else int(value))
        case _:
            return None


def _known_moment(value: datetime) -> datetime | None:
    """Return the moment unless its clock reading has no zone: that names none."""
    if value.tzinfo is None or type(value) is datetime:
        return value if value.tzinfo is not None else None
    return datetime.combine(value.date(), value.timetz())


def _known_text(text: str) -> str | None:
    """Return the text unless PostgreSQL could not store it (NUL, lone surrogate)."""
    if text.isascii():
        return None if "\x00" in text else text
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return None
    return text

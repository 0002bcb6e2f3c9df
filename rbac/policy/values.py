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


def known(value: object) -> Scalar | None:  # noqa: PLR0911 - a case each
    """Return what a condition may compare; None for all that SQL could not hold."""
    match value:
        case str():
            return _known_text(str(value))
        case bool() | int():
            return value
        case Decimal():
            return value if value.is_finite() else None
        case float():
            return known(Decimal(repr(value)))
        case datetime():
            # A clock reading without a zone names no moment.
            return value if value.tzinfo is not None else None
        case UUID():
            return str(value)
        case _:
            return None


def _known_text(text: str) -> str | None:
    """Return the text unless PostgreSQL could not store it (NUL, lone surrogate)."""
    if text.isascii():
        return None if "\x00" in text else text
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return None
    return text

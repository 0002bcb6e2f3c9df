"""Masks as SQL: the view shows the stand-in, the value never leaves its database.

A hash is HMAC-SHA-256 (RFC 2104) made of PostgreSQL's own sha256, under a key for each
installation, dataset and column, so that nobody can hash a guess and compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chat.datasets.definitions import Column, ColumnType
from chatsec.core import crypto
from rbac.policy.masks import Mask, MaskKind

BLOCK: Final = 64
DOTS: Final = "****"
# Of anything shorter, the last four characters would be most of it.
LAST4_FROM: Final = 8
DIGEST_DIGITS: Final = 16
# What keeps the column's type; with others beside it, everything is text.
TYPED: Final = frozenset({MaskKind.PLAIN, MaskKind.NULL})


def masked_sql(column: Column, mask: Mask, *, key: str) -> str:
    """Return the SQL of a cell under the mask; `key` names the hash's parameters."""
    name = f'"{column.name}"'
    text = f"CAST({name} AS text)"
    match mask.kind:
        case MaskKind.PLAIN:
            return name
        case MaskKind.BUCKET if mask.period:
            form = "YYYY-MM" if mask.period == "month" else "YYYY"
            return f"to_char({name}, '{form}')"
        case MaskKind.BUCKET:
            width = f"CAST({mask.width} AS numeric)"
            return f"(floor(CAST({name} AS numeric) / {width}) * {width})"
        case MaskKind.LAST4:
            long = f"char_length({text}) >= {LAST4_FROM}"
            return (
                f"CASE WHEN {long} THEN '{DOTS}' || right({text}, 4)"
                f" WHEN {name} IS NOT NULL THEN '{DOTS}' END"
            )
        case MaskKind.HASH:
            return f"left({hmac_sql(text, key=key)}, {DIGEST_DIGITS})"
        case _:
            return "NULL"


def keeps_type(column: Column, masks: Sequence[Mask]) -> bool:
    """Whether all these masks leave values of the column's own type."""
    numbers = column.type in (ColumnType.INTEGER, ColumnType.NUMERIC)
    return all(
        mask.kind in TYPED or (numbers and mask.kind is MaskKind.BUCKET)
        for mask in masks
    )


def hmac_sql(text: str, *, key: str) -> str:
    """Return SQL of the HMAC of a text in hex, under the parameters of `hmac_keys`."""
    inner, outer = (f"decode(:{key}_{side}, 'hex')" for side in ("in", "out"))
    message = f"convert_to({text}, 'UTF8')"
    return f"encode(sha256({outer} || sha256({inner} || {message})), 'hex')"


def hmac_keys(label: str, *, key: str) -> dict[str, str]:
    """Return the parameters of `hmac_sql`: the padded key, inner and outer."""
    padded = crypto.derived_key(label).ljust(BLOCK, b"\0")
    return {
        f"{key}_in": bytes(byte ^ 0x36 for byte in padded).hex(),
        f"{key}_out": bytes(byte ^ 0x5C for byte in padded).hex(),
    }

"""How an event's details are sealed, and whose key opens them.

`details` belong to the actor, `subject_details` to the person that the event is about,
so erasing one of them leaves the evidence about the other. Without a signed-in actor
the category's key is used. The associated data names event, type and column.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, NamedTuple
from uuid import UUID

from auditlog.constants import Category
from chatsec.core.crypto import (
    DecryptionFailed,
    KeyDestroyed,
    Place,
    derived_key,
    open_for,
    open_sealed,
    seal,
    seal_for,
)
from chatsec.core.errors import Json


class Column(NamedTuple):
    """One sealed column of one event."""

    event_id: UUID
    event_type: str
    category: Category
    name: Literal["details", "subject_details"]

    def place(self) -> Place:
        """Return what a sealed value is bound to."""
        return Place(f"auditlog.Event/{self.event_type}", self.name, self.event_id)


def seal_column(text: str, *, column: Column, owner: UUID | None) -> bytes | None:
    """Return `text` sealed under the owner's key; None if the owner was erased."""
    if owner is None:
        bound_to = column.place().associated_data(column.category)
        key = _category_key(column.category)
        return seal(key, text.encode(), associated_data=bound_to)
    try:
        return seal_for(owner, text, place=column.place())
    except KeyDestroyed:
        return None


def open_column(
    blob: bytes | None, *, column: Column, owner: UUID | None
) -> Mapping[str, Json]:
    """Return what was sealed, or nothing where it no longer opens."""
    if not blob:
        return {}
    try:
        text = _opened(blob, column, owner)
    except DecryptionFailed:
        return {}
    found: Mapping[str, Json] = json.loads(text)
    return found


def _opened(blob: bytes, column: Column, owner: UUID | None) -> str:
    if owner is not None:
        return open_for(owner, blob, place=column.place())
    bound_to = column.place().associated_data(column.category)
    key = _category_key(column.category)
    return open_sealed(key, blob, associated_data=bound_to).decode()


def _category_key(category: Category) -> bytes:
    return derived_key(f"audit:{category}")

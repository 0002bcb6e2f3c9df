"""Events opened, named and in the reference chapter's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast
from uuid import UUID

from auditlog.constants import Category
from auditlog.models import Event
from auditlog.sealing import Column, open_column
from auditlog.selectors.people import names_of
from auditlog.shapes import Document, ReadEvent, describe_read
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json

T = TypeVar("T")


def read_events(events: Sequence[Event]) -> list[ReadEvent]:
    """Return the events opened and named; the query count does not depend on them."""
    pseudonyms = {
        pseudonym
        for event in events
        for pseudonym in (event.actor_pseudonym, event.subject_pseudonym)
        if pseudonym is not None
    }
    owners = subject_keys().subjects_of(pseudonyms) if pseudonyms else {}
    subject_keys().warm(owners.values())
    names = names_of(owners)
    return [_read(event, owners, names) for event in events]


def describe(event: Event) -> dict[str, Json]:
    """Return the event in the reference chapter's shape; None where it is erased."""
    return describe_read(read_events([event])[0])


def _read(
    event: Event, owners: Mapping[UUID, UUID], names: Mapping[UUID, str]
) -> ReadEvent:
    return ReadEvent(
        event,
        details=_open_details(event, owners),
        subject_details=_open_subject_details(event, owners),
        actor_name=_at(names, event.actor_pseudonym),
        subject_name=_at(names, event.subject_pseudonym),
    )


def _open_details(event: Event, owners: Mapping[UUID, UUID]) -> Document:
    owner = _at(owners, event.actor_pseudonym)
    if event.details is None or (owner is None and event.actor_pseudonym is not None):
        return {}
    return open_column(bytes(event.details), column=_column(event), owner=owner)


def _open_subject_details(event: Event, owners: Mapping[UUID, UUID]) -> Document:
    owner = _at(owners, event.subject_pseudonym)
    if event.subject_details is None or (
        owner is None and event.subject_pseudonym is not None
    ):
        return {}
    column = _column(event)._replace(name="subject_details")
    return open_column(bytes(event.subject_details), column=column, owner=owner)


def _column(event: Event) -> Column:
    category = cast("Category", event.category)
    return Column(event.event_id, event.event_type, category, "details")


def _at(found: Mapping[UUID, T], pseudonym: UUID | None) -> T | None:
    return None if pseudonym is None else found.get(pseudonym)

"""Notes on incidents, sealed under the key of the person that they are about.

Once he is erased they are unreadable, while the incident itself stays as evidence.
Notes on what is about nobody are under the key of the category.
"""

from __future__ import annotations

from uuid import UUID

from auditlog.models import Incident, IncidentEntry
from chatsec.core.crypto import (
    DecryptionFailed,
    KeyDestroyed,
    Place,
    derived_key,
    open_for,
    open_sealed,
    seal,
    seal_for,
    subject_keys,
)

CATEGORY = "security"


def seal_note(incident: Incident, text: str, *, entry_id: UUID) -> bytes:
    """Return the text sealed for its place in the incident's story."""
    owner, place = _owner_of(incident), _place(entry_id)
    if owner is not None:
        try:
            return seal_for(owner, text, place=place)
        except KeyDestroyed:
            pass  # erased this moment: the note is about nobody any more
    bound_to = place.associated_data(CATEGORY)
    return seal(_category_key(), text.encode(), associated_data=bound_to)


def open_note(entry: IncidentEntry, *, owner: UUID | None) -> str | None:
    """Return the text; None where `owner`, whom it is about, was erased."""
    if entry.text is None:
        return ""
    blob, place = bytes(entry.text), _place(entry.id)
    try:
        if owner is not None:
            return open_for(owner, blob, place=place)
        bound_to = place.associated_data(CATEGORY)
        return open_sealed(_category_key(), blob, associated_data=bound_to).decode()
    except DecryptionFailed:
        return None


def _owner_of(incident: Incident) -> UUID | None:
    if incident.actor_pseudonym is None:
        return None
    return subject_keys().subject_of(incident.actor_pseudonym)


def _place(entry_id: UUID) -> Place:
    return Place("auditlog.IncidentEntry", "text", entry_id)


def _category_key() -> bytes:
    return derived_key(f"audit:{CATEGORY}")

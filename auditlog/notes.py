"""Notes on incidents, reasons of exceptions: sealed under the key of whom they concern.

Once he is erased they are unreadable, while the incident itself stays as evidence. What
is about nobody is under the key of the category.
"""

from __future__ import annotations

from uuid import UUID

from auditlog.models import Incident, IncidentEntry, RuleException
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
    return _sealed(text, incident.actor_pseudonym, _of_note(entry_id))


def open_note(entry: IncidentEntry, *, owner: UUID | None) -> str | None:
    """Return the text; None where `owner`, whom it is about, was erased."""
    if entry.text is None:
        return ""
    return _opened(bytes(entry.text), owner, _of_note(entry.id))


def seal_reason(exception: RuleException, text: str) -> bytes:
    """Return the text sealed for its place beside whom the exception is about."""
    return _sealed(text, exception.actor_pseudonym, _of_reason(exception.id))


def open_reason(exception: RuleException, *, owner: UUID | None) -> str | None:
    """Return the text; None where `owner`, whom it is about, was erased."""
    blob, place = bytes(exception.reason_sealed), _of_reason(exception.id)
    found = _opened(blob, owner, place)
    # What was in clear before is under the key of the category, whomever it is about.
    return _opened(blob, None, place) if found is None else found


def _sealed(text: str, pseudonym: UUID | None, place: Place) -> bytes:
    owner = subject_keys().subject_of(pseudonym) if pseudonym is not None else None
    if owner is not None:
        try:
            return seal_for(owner, text, place=place)
        except KeyDestroyed:
            pass  # erased this moment: the text is about nobody any more
    bound_to = place.associated_data(CATEGORY)
    return seal(_category_key(), text.encode(), associated_data=bound_to)


def _opened(blob: bytes, owner: UUID | None, place: Place) -> str | None:
    try:
        if owner is not None:
            return open_for(owner, blob, place=place)
        bound_to = place.associated_data(CATEGORY)
        return open_sealed(_category_key(), blob, associated_data=bound_to).decode()
    except DecryptionFailed:
        return None


def _of_note(entry_id: UUID) -> Place:
    return Place("auditlog.IncidentEntry", "text", entry_id)


def _of_reason(exception_id: UUID) -> Place:
    return Place("auditlog.RuleException", "reason_sealed", exception_id)


def _category_key() -> bytes:
    return derived_key(f"audit:{CATEGORY}")

"""Names for pseudonyms, and pseudonyms for names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist

from chatsec.core.crypto import subject_keys


def find_pseudonym(name_or_id: str) -> UUID | None:
    """Return the pseudonym of a user given by name or id.

    An id that is no user's is taken for a pseudonym: evidence outlives its people.
    """
    people = get_user_model().objects
    try:
        wanted = UUID(name_or_id)
    except ValueError:
        try:
            person = people.get_by_natural_key(name_or_id)
        except ObjectDoesNotExist:
            return None
        return subject_keys().pseudonym(person.pk)
    if people.filter(pk=wanted).exists():
        return subject_keys().pseudonym(wanted)
    return wanted


def names_behind(pseudonyms: Iterable[UUID]) -> Mapping[UUID, str]:
    """Return the usernames behind pseudonyms, as far as there are any."""
    wanted = set(pseudonyms)
    return names_of(subject_keys().subjects_of(wanted)) if wanted else {}


def names_of(owners: Mapping[UUID, UUID]) -> dict[UUID, str]:
    """Return the usernames behind the pseudonyms that still have one."""
    people = get_user_model().objects.filter(pk__in=set(owners.values()))
    usernames = dict(people.values_list("pk", "username"))
    return {
        pseudonym: usernames[owner]
        for pseudonym, owner in owners.items()
        if owner in usernames
    }

"""Saving searches: names are one's own, what is shared is read by every auditor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypedDict, Unpack
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone

from auditlog import events, selectors
from auditlog.models import SavedSearch
from auditlog.models.saved_search import MAX_NAME
from auditlog.services.recording import Target, record
from chatsec.core.context import Actor
from chatsec.core.errors import Conflict, Denied, Invalid

MOST_SEARCHES: Final = 100


class Change(TypedDict, total=False):
    """What of a saved search can be changed."""

    name: str
    words: Mapping[str, str]
    is_shared: bool


def save_search(
    actor: Actor, *, name: str, words: Mapping[str, str], is_shared: bool
) -> SavedSearch:
    """Return the search, kept under the actor's name for it.

    Raises Conflict where he has one of that name, also when both come at once.
    """
    search = SavedSearch(owner_id=_own_id(actor), created_at=timezone.now())
    _apply(search, {"name": name, "words": words, "is_shared": is_shared})
    with transaction.atomic():
        _keep_within_limit(search.owner_id)
        return _stored(search)


def change_search(
    actor: Actor, search_id: UUID, **change: Unpack[Change]
) -> SavedSearch:
    """Change a search of one's own; raise NotFound, Denied, Conflict."""
    with transaction.atomic():
        search = _own_held(actor, search_id)
        _apply(search, change)
        return _stored(search)


def delete_search(actor: Actor, search_id: UUID) -> None:
    """Delete a search of one's own; raise NotFound, or Denied where it is not."""
    with transaction.atomic():
        search = _own_held(actor, search_id)
        search.delete()
        record(events.SEARCH_DELETED, target=Target("auditlog.SavedSearch", search_id))


def _keep_within_limit(owner_id: UUID) -> None:
    """Return while there is room for one more; others wait for this transaction."""
    people = get_user_model().objects.select_for_update(no_key=True)
    people.get(pk=owner_id)
    if SavedSearch.objects.filter(owner_id=owner_id).count() >= MOST_SEARCHES:
        raise Conflict(f"At most {MOST_SEARCHES} searches.", code="too_many_searches")


def _apply(search: SavedSearch, change: Change) -> None:
    if "name" in change:
        search.name = _clean(change["name"])
    if "words" in change:
        search.words = _nameless(selectors.storable_words(change["words"]))
        if not search.words:
            raise Invalid("There is no filter to save.", code="empty_search")
    if "is_shared" in change:
        search.is_shared = change["is_shared"]


def _stored(search: SavedSearch) -> SavedSearch:
    words = dict(search.words)
    try:
        with transaction.atomic():
            search.save()
            record(
                events.SEARCH_SAVED,
                target=Target("auditlog.SavedSearch", search.id),
                details={"filters": words, "shared": search.is_shared},
            )
    except IntegrityError as error:
        if "saved_search_one_per_name" not in str(error):
            raise
        taken = "You have a search of this name."
        raise Conflict(
            taken, code="search_name_taken", fields={"name": [taken]}
        ) from error
    return search


def _own_held(actor: Actor, search_id: UUID) -> SavedSearch:
    """Return it under lock, or a change could bring back what was just deleted."""
    SavedSearch.objects.select_for_update().filter(id=search_id).first()
    search = selectors.get_search(actor, search_id)
    if search.owner_id != actor.id:
        raise Denied("Only who saved a search may change it.")
    return search


def _nameless(words: dict[str, str]) -> dict[str, str]:
    """Return the words; refuse one that may be a name which nobody here has any more.

    People who are known are pseudonyms by now, and ids of events and requests as well.
    """
    if "q" in words and not _is_uuid(words["q"]):
        problem = "Nobody is called so. The id of a request goes into its own filter."
        raise Invalid("Some fields are not valid.", fields={"q": [problem]})
    return words


def _is_uuid(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True


def _own_id(actor: Actor) -> UUID:
    if actor.id is None:
        raise Denied("Only somebody who is signed in has searches.")
    return actor.id


def _clean(name: str) -> str:
    text = " ".join(name.split())
    if not text or len(text) > MAX_NAME or not text.isprintable():
        message = f"1 to {MAX_NAME} printable characters."
        raise Invalid("Some fields are not valid.", fields={"name": [message]})
    return text

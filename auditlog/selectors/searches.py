"""Saved searches: one's own, and those that others share."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from auditlog.models import SavedSearch
from chatsec.core.context import Actor
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import NotFound


def list_searches(actor: Actor) -> QuerySet[SavedSearch]:
    """Return what the actor saved and what is shared, oldest first."""
    visible = Q(owner_id=actor.id) | Q(is_shared=True)
    rows = SavedSearch.objects.filter(visible).select_related("owner")
    return rows.order_by("created_at", "id")


def warm_names(actor: Actor) -> None:
    """Load in one query the keys that open the names of what the actor sees."""
    owners = list_searches(actor).order_by().values_list("owner_id", flat=True)
    subject_keys().warm(set(owners))


def get_search(actor: Actor, search_id: UUID) -> SavedSearch:
    """Return a search that the actor may see; raise NotFound."""
    found = list_searches(actor).filter(id=search_id).first()
    if found is None:
        raise NotFound("There is no such search.")
    return found

"""Saved searches beside the search page."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from auditlog import selectors
from auditlog.pages.addresses import search_query
from auditlog.services.searches import delete_search
from chatsec.core.admin_pages import guarded
from chatsec.core.context import current_actor
from chatsec.core.errors import NotFound

VIEW_AUDIT = "view_audit"


class Saved(NamedTuple):
    """A saved search as the page lists it."""

    id: UUID
    name: str
    query: str
    owner: str
    is_own: bool
    is_shared: bool


def shown() -> list[Saved]:
    """Return the searches that the visitor may use."""
    actor = current_actor()
    selectors.warm_names(actor)
    return [
        Saved(
            row.id,
            row.name,
            search_query(row.words),
            row.owner.get_username(),
            row.owner_id == actor.id,
            row.is_shared,
        )
        for row in selectors.list_searches(actor)
    ]


@guarded(VIEW_AUDIT)
def delete(request: HttpRequest, *, search_id: UUID) -> HttpResponseBase:
    """Delete a search of one's own."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        delete_search(current_actor(), search_id)
    except NotFound as error:
        raise Http404 from error
    messages.success(request, "The search is deleted.")
    return HttpResponseRedirect(reverse("audit-search"))

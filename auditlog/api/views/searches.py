"""Saved searches over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from auditlog import selectors
from auditlog.api.search_serializers import SearchBody, SearchChange, SearchRow
from auditlog.api.views.pages import VIEW_AUDIT
from auditlog.models import SavedSearch
from auditlog.services import searches
from chatsec.core.api import ApiView, paginate
from chatsec.core.context import current_actor


class SearchList(ApiView):
    """The searches that one saved, and those that others share."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=SearchRow(many=True))
    def get(self, request: Request) -> Response:
        """Return one page of searches, oldest first."""
        selectors.warm_names(current_actor())
        rows: QuerySet[SavedSearch] = selectors.list_searches(current_actor())
        order = ("created_at", "id")
        return paginate(request, rows, ordering=order, serializer=SearchRow)

    @extend_schema(request=SearchBody, responses={201: SearchRow})
    def post(self, request: Request) -> Response:
        """Save a search; 409 where one has that name already."""
        body = _valid(SearchBody(data=request.data))
        saved = searches.save_search(
            current_actor(),
            name=body["name"],
            words=body["filters"],
            is_shared=body["is_shared"],
        )
        return Response(SearchRow(saved).data, status=201)


class SearchOne(ApiView):
    """One saved search."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=SearchRow)
    def get(self, request: Request, search_id: UUID) -> Response:
        """Return a search of one's own, or a shared one."""
        return Response(
            SearchRow(selectors.get_search(current_actor(), search_id)).data
        )

    @extend_schema(request=SearchChange, responses=SearchRow)
    def patch(self, request: Request, search_id: UUID) -> Response:
        """Change a search of one's own."""
        body = _valid(SearchChange(data=request.data))
        if "filters" in body:
            body["words"] = body.pop("filters")
        changed = searches.change_search(current_actor(), search_id, **body)
        return Response(SearchRow(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, search_id: UUID) -> Response:
        """Delete a search of one's own."""
        searches.delete_search(current_actor(), search_id)
        return Response(status=204)


def _valid(body: SearchBody | SearchChange) -> dict[str, Any]:
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)

"""Detection rules: what became of them."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from auditlog import selectors
from auditlog.api.rule_serializers import ChangePage, HistoryQuery, change_row
from auditlog.api.views.pages import VIEW_AUDIT, asked, page_link, page_size
from auditlog.services.reading import read_rule_history
from chatsec.core.api import ApiView


class RuleHistory(ApiView):
    """Who changed a rule when, from what to what, and why."""

    required_permission = VIEW_AUDIT

    @extend_schema(
        operation_id="audit_rules_history",
        parameters=[HistoryQuery],
        responses=ChangePage,
    )
    def get(self, request: Request, rule: str) -> Response:
        """Return one page of a rule's changes, newest first; a deleted rule's by id."""
        words = asked(request.query_params, HistoryQuery)
        shown = read_rule_history(
            selectors.rule_id_of(rule),
            cursor=words.get("cursor", ""),
            size=page_size(words),
        )
        return Response(
            {
                "results": [change_row(change) for change in shown.changes],
                "next": page_link(request, shown.older),
                "previous": page_link(request, shown.newer),
            }
        )

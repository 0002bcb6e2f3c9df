"""The alerts; reading them is on record."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from auditlog import events, selectors
from auditlog.api.serializers import AlertPageQuery, AlertQuery, AlertRow
from auditlog.api.views.pages import VIEW_AUDIT, asked, page
from auditlog.services import record
from chatsec.core.api import ApiView


class AlertList(ApiView):
    """The alerts of the detection rules."""

    required_permission = VIEW_AUDIT

    @extend_schema(parameters=[AlertQuery], responses=AlertRow(many=True))
    def get(self, request: Request) -> Response:
        """Return one page of alerts, newest first."""
        query = AlertQuery(data=asked(request.query_params, AlertPageQuery))
        query.is_valid(raise_exception=True)
        rows = selectors.list_alerts(state=query.validated_data.get("state"))
        found = page(request, rows, AlertRow, key="id")
        record(events.ALERTS_READ, result_count=len(found.data["results"]))
        return found

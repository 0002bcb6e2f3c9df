"""Events as they are sealed, as server-sent events."""

from __future__ import annotations

from typing import Final

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotAcceptable
from rest_framework.request import Request

from auditlog.api.serializers import FilterQuery
from auditlog.api.views.exports import FirstRenderer
from auditlog.api.views.pages import VIEW_AUDIT, asked
from auditlog.services.tailing import open_tail
from chatsec.core.api import ApiView
from chatsec.core.context import current_actor

EVENT_STREAM: Final = "text/event-stream"
LAST_ID = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="Where to go on."
)


class EventTail(ApiView):
    """What a search finds, as it is sealed."""

    required_permission = VIEW_AUDIT
    # A page that watches by itself keeps no session alive.
    polled_methods = ("GET",)
    content_negotiation_class = FirstRenderer

    @extend_schema(
        parameters=[FilterQuery, LAST_ID],
        responses={(200, EVENT_STREAM): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return the stream to who asks for one; it ends with the session."""
        if EVENT_STREAM not in request.headers.get("Accept", ""):
            raise NotAcceptable(f"Ask for {EVENT_STREAM}: this answer has no end.")
        tail = open_tail(
            current_actor(),
            asked(request.query_params, FilterQuery),
            last_id=request.headers.get("Last-Event-ID", ""),
        )
        response = StreamingHttpResponse(tail, content_type=EVENT_STREAM)
        response["X-Accel-Buffering"] = "no"
        return response

"""Reading evidence leaves evidence: no answer before its own event is written."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from auditlog import events
from auditlog.api.serializers import (
    CountsBody,
    EventDetail,
    EventPage,
    EventQuery,
    FilterQuery,
    counts_body,
)
from auditlog.api.views.pages import VIEW_AUDIT, asked, page_link, page_size
from auditlog.services import Target, record
from auditlog.services.proving import prove_event
from auditlog.services.reading import read_counts, read_event, read_page
from auditlog.shapes import detail_of, row_of
from chatsec.core.api import ApiView


class EventList(ApiView):
    """The event log, searched."""

    required_permission = VIEW_AUDIT

    @extend_schema(
        operation_id="audit_events_list", parameters=[EventQuery], responses=EventPage
    )
    def get(self, request: Request) -> Response:
        """Return one page of events, newest first."""
        words = asked(request.query_params, EventQuery)
        shown = read_page(words, cursor=words.get("cursor", ""), size=page_size(words))
        return Response(
            {
                "results": [row_of(read) for read in shown.events],
                "next": page_link(request, shown.older),
                "previous": page_link(request, shown.newer),
            }
        )


class EventCounts(ApiView):
    """How many events a search finds, over time."""

    required_permission = VIEW_AUDIT

    @extend_schema(parameters=[FilterQuery], responses=CountsBody)
    def get(self, request: Request) -> Response:
        """Return counts by outcome, of 30 days where no period is given."""
        words = asked(request.query_params, FilterQuery)
        return Response(counts_body(read_counts(words)))


class EventOne(ApiView):
    """One event with its details."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=EventDetail)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return the event and what of it still opens."""
        return Response(detail_of(read_event(event_id)))


class EventProof(ApiView):
    """What shows to an outsider that one event is in the log."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return the proof for the stand-alone checker; 409 until it is sealed."""
        proof = prove_event(event_id)
        record(events.EVENT_READ, target=Target("auditlog.Event", event_id))
        return Response(proof)

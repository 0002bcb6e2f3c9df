"""Reading evidence leaves evidence: no answer before its own event is written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from auditlog import events, selectors
from auditlog.api.serializers import (
    EventDetail,
    EventQuery,
    EventRow,
    event_detail,
)
from auditlog.api.views.pages import VIEW_AUDIT, page
from auditlog.services import Target, record
from auditlog.services.proving import prove_event
from chatsec.core.api import ApiView
from chatsec.core.errors import Invalid


class EventList(ApiView):
    """The event log, searched."""

    required_permission = VIEW_AUDIT

    @extend_schema(parameters=[EventQuery], responses=EventRow(many=True))
    def get(self, request: Request) -> Response:
        """Return one page of events, newest first."""
        query = EventQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = selectors.list_events(**_wanted(query.validated_data))
        found = page(request, rows, EventRow, key="event_id")
        record(
            events.EVENTS_READ,
            result_count=len(found.data["results"]),
            details={"filters": {k: str(v) for k, v in query.validated_data.items()}},
        )
        return found


class EventOne(ApiView):
    """One event with its details."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=EventDetail)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return the event and what of it still opens."""
        event = selectors.get_event(event_id)
        body = event_detail(selectors.read_events([event])[0])
        record(events.EVENT_READ, target=Target("auditlog.Event", event_id))
        return Response(body)


class EventProof(ApiView):
    """What shows to an outsider that one event is in the log."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return the proof for the stand-alone checker; 409 until it is sealed."""
        proof = prove_event(event_id)
        record(events.EVENT_READ, target=Target("auditlog.Event", event_id))
        return Response(proof)


def _wanted(asked: dict[str, Any]) -> selectors.EventFilter:
    """Return the search that validated parameters ask for."""
    wanted = selectors.EventFilter(
        event_type=asked.get("type"),
        category=asked.get("category"),
        outcome=asked.get("outcome"),
        since=asked.get("since"),
        until=asked.get("until"),
        request_id=asked.get("request_id"),
        resource=asked.get("resource"),
    )
    if actor := asked.get("actor"):
        wanted["actor_pseudonym"] = selectors.find_pseudonym(actor)
        if wanted["actor_pseudonym"] is None:
            raise Invalid(
                "Some fields are not valid.", fields={"actor": ["No such user."]}
            )
    return wanted

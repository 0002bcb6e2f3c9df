"""Reading evidence leaves evidence: no answer before its own event is written."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from auditlog import events, selectors
from auditlog.api.serializers import (
    AlertQuery,
    AlertRow,
    EventDetail,
    EventQuery,
    EventRow,
    event_detail,
)
from auditlog.services import Target, record
from auditlog.services.proving import prove_event
from chatsec.core.api import ApiView, paginate
from chatsec.core.errors import Invalid

VIEW_AUDIT = "view_audit"
ModelT = TypeVar("ModelT", bound=Model)


class EventList(ApiView):
    """The event log, searched."""

    required_permission = VIEW_AUDIT

    @extend_schema(parameters=[EventQuery], responses=EventRow(many=True))
    def get(self, request: Request) -> Response:
        """Return one page of events, newest first."""
        query = EventQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = selectors.list_events(**_wanted(query.validated_data))
        found = _page(request, rows, EventRow, key="event_id")
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


class AlertList(ApiView):
    """The alerts of the detection rules."""

    required_permission = VIEW_AUDIT

    @extend_schema(parameters=[AlertQuery], responses=AlertRow(many=True))
    def get(self, request: Request) -> Response:
        """Return one page of alerts, newest first."""
        query = AlertQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = selectors.list_alerts(state=query.validated_data.get("state"))
        found = _page(request, rows, AlertRow, key="id")
        record(events.ALERTS_READ, result_count=len(found.data["results"]))
        return found


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


def _page(
    request: Request,
    rows: QuerySet[ModelT],
    serializer: type[BaseSerializer[ModelT]],
    *,
    key: str,
) -> Response:
    try:
        return paginate(request, rows, ordering=(f"-{key}",), serializer=serializer)
    except ValidationError as error:
        # A forged cursor holds something else than an id.
        raise Invalid(
            "Some fields are not valid.", fields={"cursor": ["Not a cursor."]}
        ) from error

"""Incidents: read by auditors, dealt with by those who manage them."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from auditlog import events, selectors
from auditlog.api.incident_serializers import (
    IncidentDetail,
    IncidentPageQuery,
    IncidentQuery,
    IncidentRow,
    NoteRequest,
    ResolveRequest,
)
from auditlog.api.views.pages import VIEW_AUDIT, asked, page
from auditlog.incident_shapes import incident_detail
from auditlog.services import Target, incidents, record
from auditlog.services.packing import export_evidence
from chatsec.core.api import ApiView
from chatsec.core.context import current_actor
from chatsec.core.errors import Denied

MANAGE = "manage_incidents"


class IncidentList(ApiView):
    """The incidents."""

    required_permission = VIEW_AUDIT

    @extend_schema(parameters=[IncidentQuery], responses=IncidentRow(many=True))
    def get(self, request: Request) -> Response:
        """Return one page of incidents, newest first."""
        query = IncidentQuery(data=asked(request.query_params, IncidentPageQuery))
        query.is_valid(raise_exception=True)
        rows = selectors.list_incidents(**query.validated_data)
        found = page(request, rows, IncidentRow, key="id")
        record(events.INCIDENTS_READ, result_count=len(found.data["results"]))
        return found


class IncidentOne(ApiView):
    """One incident."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=IncidentDetail)
    def get(self, request: Request, incident_id: UUID) -> Response:
        """Return the incident with its timeline, alerts and the events behind it."""
        return _shown(incident_id)


class IncidentAcknowledge(ApiView):
    """Somebody is on it."""

    required_permission = MANAGE

    @extend_schema(request=None, responses=IncidentDetail)
    def post(self, request: Request, incident_id: UUID) -> Response:
        """Acknowledge the incident; 409 where it is not open."""
        _needs_sight(request)
        incidents.acknowledge(current_actor(), incident_id)
        return _shown(incident_id)


class IncidentResolve(ApiView):
    """The end, with a verdict."""

    required_permission = MANAGE

    @extend_schema(request=ResolveRequest, responses=IncidentDetail)
    def post(self, request: Request, incident_id: UUID) -> Response:
        """Resolve the incident; 409 where it is resolved already."""
        asked = ResolveRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        _needs_sight(request)
        incidents.resolve(current_actor(), incident_id, **asked.validated_data)
        return _shown(incident_id)


class IncidentNotes(ApiView):
    """Notes."""

    required_permission = MANAGE

    @extend_schema(request=NoteRequest, responses={201: IncidentDetail})
    def post(self, request: Request, incident_id: UUID) -> Response:
        """Add a note."""
        asked = NoteRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        _needs_sight(request)
        incidents.add_note(current_actor(), incident_id, **asked.validated_data)
        return _shown(incident_id, status_code=status.HTTP_201_CREATED)


class IncidentEvidence(ApiView):
    """What shows an incident to outsiders."""

    required_permission = MANAGE

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, incident_id: UUID) -> Response:
        """Return the incident with the proofs of its events; 429 while others run."""
        _needs_sight(request)
        headers = evidence_headers(incident_id)
        return Response(export_evidence(incident_id), headers=headers)


def evidence_headers(incident_id: UUID) -> dict[str, str]:
    """Return what makes a browser keep the package as a file."""
    name = f"evidence-{incident_id}.json"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _needs_sight(request: Request) -> None:
    """Refuse who may not read what the answer shows, before anything is done."""
    if not request.user.has_perm(f"rbac.{VIEW_AUDIT}"):
        raise Denied("You may not do this.", required=VIEW_AUDIT)


def _shown(incident_id: UUID, *, status_code: int = status.HTTP_200_OK) -> Response:
    """Return the whole incident once the reading of it is on record."""
    story = selectors.read_story(selectors.get_incident(incident_id))
    record(events.INCIDENT_READ, target=Target("auditlog.Incident", incident_id))
    return Response(incident_detail(story), status=status_code)

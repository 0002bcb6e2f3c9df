"""Asking for roles, deciding, and breaking the glass."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from chatsec.core.api import SIGNED_IN, ApiView, paginate
from rbac import governance_selectors
from rbac.api.governance_serializers import (
    AccessRequestInputSerializer,
    AccessRequestSerializer,
    ActivationInputSerializer,
    ActivationSerializer,
    ApproveSerializer,
    DenySerializer,
)
from rbac.api.permissions import actor_of
from rbac.constants import MANAGE_ROLES
from rbac.services import break_glass, check_permission, requests


class AccessRequestsView(ApiView):
    """GET, POST /rbac/requests."""

    required_permission = SIGNED_IN

    @extend_schema(responses=AccessRequestSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List one's own requests; administrators see everybody's."""
        rows = governance_selectors.list_access_requests()
        actor = actor_of(request)
        if not check_permission(actor, MANAGE_ROLES):
            rows = rows.filter(requester=_person(request))
        return paginate(
            request,
            rows,
            ordering=("-created_at", "-id"),
            serializer=AccessRequestSerializer,
        )

    @extend_schema(
        request=AccessRequestInputSerializer, responses={201: AccessRequestSerializer}
    )
    def post(self, request: Request) -> Response:
        """Ask for a role, for oneself."""
        given = AccessRequestInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        made = requests.request_access(
            actor_of(request),
            user=_person(request),
            role=asked["role"],
            reason=asked["reason"],
            duration=asked["duration_seconds"],
        )
        body = AccessRequestSerializer(made).data
        return Response(body, status=status.HTTP_201_CREATED)


class ApproveRequestView(ApiView):
    """POST /rbac/requests/{id}/approve."""

    required_permission = MANAGE_ROLES

    @extend_schema(request=ApproveSerializer, responses=AccessRequestSerializer)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Give the role for the time asked."""
        given = ApproveSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decided = requests.approve_request(
            actor_of(request), request_id=request_id, **given.validated_data
        )
        return Response(AccessRequestSerializer(decided).data)


class DenyRequestView(ApiView):
    """POST /rbac/requests/{id}/deny."""

    required_permission = MANAGE_ROLES

    @extend_schema(request=DenySerializer, responses=AccessRequestSerializer)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Refuse the role, with the reason that the requester reads."""
        given = DenySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decided = requests.deny_request(
            actor_of(request), request_id=request_id, **given.validated_data
        )
        return Response(AccessRequestSerializer(decided).data)


class CancelRequestView(ApiView):
    """POST /rbac/requests/{id}/cancel."""

    required_permission = SIGNED_IN

    @extend_schema(request=None, responses=AccessRequestSerializer)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Take one's own request back."""
        decided = requests.cancel_request(actor_of(request), request_id=request_id)
        return Response(AccessRequestSerializer(decided).data)


class BreakGlassesView(ApiView):
    """GET, POST /rbac/break-glass."""

    required_permission = SIGNED_IN

    @extend_schema(responses=ActivationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List one's own emergencies; administrators see everybody's."""
        rows = governance_selectors.list_activations()
        actor = actor_of(request)
        if not check_permission(actor, MANAGE_ROLES):
            rows = rows.filter(user=_person(request))
        return paginate(
            request,
            rows,
            ordering=("-started_at", "-id"),
            serializer=ActivationSerializer,
        )

    @extend_schema(
        request=ActivationInputSerializer, responses={201: ActivationSerializer}
    )
    def post(self, request: Request) -> Response:
        """Activate an emergency role for 60 minutes, right after a second factor."""
        given = ActivationInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = break_glass.activate(
            actor_of(request), user=_person(request), **given.validated_data
        )
        body = ActivationSerializer(made).data
        return Response(body, status=status.HTTP_201_CREATED)


class BreakGlassView(ApiView):
    """DELETE /rbac/break-glass/{id}."""

    required_permission = SIGNED_IN

    @extend_schema(responses={204: None})
    def delete(self, request: Request, activation_id: UUID) -> Response:
        """Give the emergency role back before its time."""
        break_glass.end_activation(actor_of(request), activation_id=activation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _person(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - narrowed by SIGNED_IN
    return request.user

"""The caller's own devices."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import caller
from accounts.api.serializers import SessionSerializer
from accounts.selectors import list_live_sessions
from accounts.services import sessions
from chatsec.core.api import SIGNED_IN, ApiView, paginate


class SessionsView(ApiView):
    """GET /auth/sessions."""

    required_permission = SIGNED_IN

    @extend_schema(responses=SessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the caller's own signed-in devices."""
        rows = list_live_sessions(caller(request), now=timezone.now())
        return paginate(request, rows, ordering=("-id",), serializer=SessionSerializer)


class SessionView(ApiView):
    """DELETE /auth/sessions/{id}."""

    required_permission = SIGNED_IN

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """Sign one of the caller's own devices out."""
        sessions.revoke_own_session(caller(request), session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

"""The caller's own devices."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import caller
from accounts.api.serializers import (
    EndedSessionsSerializer,
    SessionNameSerializer,
    SessionSerializer,
)
from accounts.selectors import list_live_sessions
from accounts.services import sessions
from chatsec.core.api import SIGNED_IN, ApiView, paginate
from chatsec.core.context import current_actor


class SessionsView(ApiView):
    """GET, DELETE /auth/sessions."""

    required_permission = SIGNED_IN

    @extend_schema(responses=SessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the caller's own signed-in devices and connected apps."""
        rows = list_live_sessions(caller(request), now=timezone.now())
        return paginate(request, rows, ordering=("-id",), serializer=SessionSerializer)

    @extend_schema(
        operation_id="auth_sessions_destroy_others",
        request=None,
        responses=EndedSessionsSerializer,
    )
    def delete(self, request: Request) -> Response:
        """Sign the caller out everywhere but here."""
        keep = current_actor().session_id
        return Response(
            {"ended": sessions.revoke_other_sessions(caller(request), keep=keep)}
        )


class SessionView(ApiView):
    """GET, PATCH, DELETE /auth/sessions/{id}."""

    required_permission = SIGNED_IN

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request, session_id: UUID) -> Response:
        """Show one of the caller's own devices."""
        found = sessions.get_own_session(caller(request), session_id)
        return Response(SessionSerializer(found).data)

    @extend_schema(request=SessionNameSerializer, responses=SessionSerializer)
    def patch(self, request: Request, session_id: UUID) -> Response:
        """Call one of the caller's own devices something else."""
        given = SessionNameSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        name = given.validated_data["name"]
        renamed = sessions.rename_session(caller(request), session_id, name)
        return Response(SessionSerializer(renamed).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """Sign one of the caller's own devices out."""
        sessions.revoke_own_session(caller(request), session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

"""Other people's devices, for whoever administers accounts."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import require_second_factor
from accounts.api.serializers import EndedSessionsSerializer, UserSessionSerializer
from accounts.selectors import get_user_by_name_or_id, list_live_sessions
from accounts.services import sessions
from chatsec.core.api import ApiView, paginate


class UserSessionsView(ApiView):
    """GET, DELETE /users/{id}/sessions."""

    required_permission = "manage_users"

    @extend_schema(responses=UserSessionSerializer(many=True))
    def get(self, request: Request, user_id: UUID) -> Response:
        """List where somebody is signed in."""
        user = get_user_by_name_or_id(str(user_id))
        rows = list_live_sessions(user, now=timezone.now())
        return paginate(
            request, rows, ordering=("-id",), serializer=UserSessionSerializer
        )

    @extend_schema(
        operation_id="users_sessions_destroy_all",
        request=None,
        responses=EndedSessionsSerializer,
    )
    def delete(self, request: Request, user_id: UUID) -> Response:
        """Sign somebody out everywhere; 403 `mfa_required` without a second factor."""
        require_second_factor(request)
        user = get_user_by_name_or_id(str(user_id))
        return Response({"ended": sessions.sign_out_everywhere(user)})


class UserSessionView(ApiView):
    """DELETE /users/{id}/sessions/{id}."""

    required_permission = "manage_users"

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, user_id: UUID, session_id: UUID) -> Response:
        """Sign one device of somebody's out; `mfa_required` as above."""
        require_second_factor(request)
        user = get_user_by_name_or_id(str(user_id))
        sessions.revoke_session_of(user, session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

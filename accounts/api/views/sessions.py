"""The caller's own devices, and step-up."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import caller
from accounts.api.serializers import CodeSerializer, SessionSerializer, StepUpSerializer
from accounts.constants import STEP_UP_FRESH_FOR
from accounts.selectors import list_live_sessions
from accounts.services import challenges, sessions, sign_in
from chatsec.core.api import SIGNED_IN, ApiView, paginate
from chatsec.core.context import current_actor

STEP_UP_OPERATION = "session"


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


class StepUpView(ApiView):
    """POST /auth/step-up."""

    required_permission = SIGNED_IN

    @extend_schema(request=CodeSerializer, responses=StepUpSerializer)
    def post(self, request: Request) -> Response:
        """Show the second factor again; holds for five minutes."""
        given = CodeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor = current_actor()
        challenge = challenges.start(actor, operation=STEP_UP_OPERATION)
        answered = challenges.complete(
            challenge.id,
            actor=actor,
            operation=STEP_UP_OPERATION,
            code=given.validated_data["code"],
        )
        sign_in.rotate_browser_session(request._request)  # noqa: SLF001 - as above
        body = {
            "session_id": str(actor.session_id),
            "stepped_up_at": answered.challenge.completed_at,
            "expires_in": int(STEP_UP_FRESH_FOR.total_seconds()),
        }
        return Response(body)

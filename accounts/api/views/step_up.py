"""Proving once more who one is, over the API."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import calling_session
from accounts.api.serializers import ProofSerializer, StepUpSerializer
from accounts.constants import STEP_UP_FRESH_FOR
from accounts.models import AuthSession
from accounts.services import proof, sign_in
from chatsec.core.api import SIGNED_IN, ApiView


class StepUpView(ApiView):
    """POST /auth/step-up."""

    required_permission = SIGNED_IN

    @extend_schema(request=ProofSerializer, responses=StepUpSerializer)
    def post(self, request: Request) -> Response:
        """Show a second factor again, or the password where there is none.

        Holds for five minutes.
        """
        given = ProofSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = calling_session(request)
        plain = request._request  # noqa: SLF001 - Django's own functions want it
        if "password" in given.validated_data:
            proof.confirm_password(plain, session, given.validated_data["password"])
            factor = None
        else:
            factor = proof.confirm_code(session, given.validated_data["code"]).factor
        if request.auth is None:  # a token's step-up is none of the browser's beside it
            sign_in.step_up_browser_session(plain, factor)
        return Response(_state(AuthSession.objects.get(id=session.id)))


def _state(session: AuthSession) -> dict[str, object]:
    return {
        "session_id": str(session.id),
        "stepped_up_at": session.stepped_up_at,
        "password_confirmed_at": session.password_confirmed_at,
        "expires_in": int(STEP_UP_FRESH_FOR.total_seconds()),
    }

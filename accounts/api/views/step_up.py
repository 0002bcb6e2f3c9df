"""Proving once more who one is, over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import calling_session
from accounts.api.factor_serializers import ProofSerializer, QuestionSerializer
from accounts.api.serializers import StepUpSerializer
from accounts.constants import STEP_UP_FRESH_FOR
from accounts.models import AuthSession
from accounts.selectors import ShownFactor
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
        factor = _prove(request, session, given.validated_data)
        if request.auth is None:  # a token's step-up is none of the browser's beside it
            sign_in.step_up_browser_session(request._request, factor)  # noqa: SLF001 - Django's own functions want it
        return Response(_state(AuthSession.objects.get(id=session.id)))


def _prove(
    request: Request, session: AuthSession, given: Mapping[str, Any]
) -> ShownFactor | None:
    if "password" in given:
        proof.confirm_password(request._request, session, given["password"])  # noqa: SLF001 - as above
        return None
    if "passkey" in given:
        return proof.confirm_passkey(
            session, given["question_id"], given["passkey"]
        ).factor
    return proof.confirm_code(session, given["code"]).factor


def _state(session: AuthSession) -> dict[str, object]:
    return {
        "session_id": str(session.id),
        "stepped_up_at": session.stepped_up_at,
        "password_confirmed_at": session.password_confirmed_at,
        "expires_in": int(STEP_UP_FRESH_FOR.total_seconds()),
    }


class StepUpPasskeyView(ApiView):
    """POST /auth/step-up/passkey."""

    required_permission = SIGNED_IN

    @extend_schema(request=None, responses=QuestionSerializer)
    def post(self, request: Request) -> Response:
        """Return what a passkey is asked; its answer goes to POST /auth/step-up."""
        question_id, options = proof.ask_for_passkey(calling_session(request))
        return Response({"question_id": str(question_id), "options": options})

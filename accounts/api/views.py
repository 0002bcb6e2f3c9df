"""Sign-in, refresh, sign-out, devices and step-up over the API."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers import (
    CodeSerializer,
    CredentialsSerializer,
    RefreshSerializer,
    SecondFactorSerializer,
    SessionSerializer,
    StepUpSerializer,
    TokenPairSerializer,
)
from accounts.constants import CODE_REQUIRED_MESSAGE, STEP_UP_FRESH_FOR
from accounts.models import User
from accounts.selectors import list_live_sessions
from accounts.services import challenges, sessions, sign_in, tokens
from chatsec.core.api import PUBLIC, SIGNED_IN, ApiView, paginate
from chatsec.core.context import current_actor
from chatsec.core.errors import Unauthenticated

STEP_UP_OPERATION = "session"


class TokenView(ApiView):
    """POST /auth/token."""

    required_permission = PUBLIC
    # No cookie is read here, so a foreign page has nothing to ride on.
    authentication_classes = ()

    @extend_schema(request=CredentialsSerializer, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        """Sign an app in; 401 `mfa_required` names the challenge to answer."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        outcome = sign_in.check_password(
            request._request,  # noqa: SLF001 - axes wants the plain request
            name=given.validated_data["username"],
            password=given.validated_data["password"],
        )
        if isinstance(outcome, sign_in.CodeNeeded):
            code = given.validated_data.get("otp")
            if code is None:
                raise _code_needed(outcome)
            outcome = sign_in.check_code(outcome.challenge.id, code)
        return Response(asdict(sign_in.open_token_session(outcome)))


class SecondFactorView(ApiView):
    """POST /auth/token/mfa."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(request=SecondFactorSerializer, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        """Finish a sign-in with its code."""
        given = SecondFactorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        proven = sign_in.check_code(
            given.validated_data["mfa_session_id"], given.validated_data["code"]
        )
        return Response(asdict(sign_in.open_token_session(proven)))


class RefreshView(ApiView):
    """POST /auth/token/refresh."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(
        request=RefreshSerializer,
        responses=TokenPairSerializer,
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER),
        ],
    )
    def post(self, request: Request) -> Response:
        """Spend a refresh token for new tokens."""
        given = RefreshSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        key = request.headers.get("Idempotency-Key")
        pair = tokens.refresh(given.validated_data["refresh"], idempotency_key=key)
        return Response(asdict(pair))


class RevokeView(ApiView):
    """POST /auth/token/revoke."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(request=RefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Sign the app out: 204 whether or not the token was known (RFC 7009)."""
        given = RefreshSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        tokens.revoke(given.validated_data["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionsView(ApiView):
    """GET /auth/sessions."""

    required_permission = SIGNED_IN

    @extend_schema(responses=SessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the caller's own signed-in devices."""
        rows = list_live_sessions(_caller(request), now=timezone.now())
        return paginate(request, rows, ordering=("-id",), serializer=SessionSerializer)


class SessionView(ApiView):
    """DELETE /auth/sessions/{id}."""

    required_permission = SIGNED_IN

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """Sign one of the caller's own devices out."""
        sessions.revoke_own_session(_caller(request), session_id)
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


def _caller(request: Request) -> User:
    if not isinstance(request.user, User):
        raise Unauthenticated("Please log in to use the chatbot")
    return request.user


def _code_needed(outcome: sign_in.CodeNeeded) -> Unauthenticated:
    return Unauthenticated(
        CODE_REQUIRED_MESSAGE,
        code="mfa_required",
        mfa_session_id=str(outcome.challenge.id),
        methods=list(outcome.methods),
    )

"""Sign-in, refresh and sign-out over the API."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.factor_serializers import (
    PasskeySignInSerializer,
    SecondFactorAskSerializer,
    SecondFactorSerializer,
    SignInUnderWaySerializer,
    TicketSerializer,
)
from accounts.api.serializers import (
    CredentialsSerializer,
    RefreshSerializer,
    TokenPairSerializer,
)
from accounts.constants import CODE_REQUIRED_MESSAGE
from accounts.services import passkey_sign_in, sign_in, tokens
from chatsec.core.api import PUBLIC, ApiView
from chatsec.core.errors import Unauthenticated


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
        """Finish a sign-in with its code, or with a passkey."""
        given = SecondFactorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        under_way = given.validated_data["mfa_session_id"]
        if "passkey" in given.validated_data:
            answer = given.validated_data["passkey"]
            proven = sign_in.check_second_passkey(under_way, answer)
        else:
            proven = sign_in.check_code(under_way, given.validated_data["code"])
        return Response(asdict(sign_in.open_token_session(proven)))


class SecondPasskeyView(ApiView):
    """POST /auth/token/mfa/passkey."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(
        request=SignInUnderWaySerializer, responses=SecondFactorAskSerializer
    )
    def post(self, request: Request) -> Response:
        """Return how a sign-in goes on, and what its passkey is asked."""
        given = SignInUnderWaySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        asked = sign_in.ask_second_factor(given.validated_data["mfa_session_id"])
        return Response(
            {
                "methods": asked["methods"],
                "options": asked.get("passkey_options"),
            }
        )


class PasskeyAskView(ApiView):
    """POST /auth/token/passkey/ask."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(request=None, responses=TicketSerializer)
    def post(self, request: Request) -> Response:
        """Return what a passkey is asked that signs in alone."""
        ticket, options = passkey_sign_in.ask()
        return Response({"ticket": ticket, "options": options})


class PasskeyTokenView(ApiView):
    """POST /auth/token/passkey."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(request=PasskeySignInSerializer, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        """Sign an app in by a passkey alone, whose device checked its owner."""
        given = PasskeySignInSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        proven = passkey_sign_in.check(
            given.validated_data["ticket"], given.validated_data["passkey"]
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


def _code_needed(outcome: sign_in.CodeNeeded) -> Unauthenticated:
    return Unauthenticated(
        CODE_REQUIRED_MESSAGE,
        code="mfa_required",
        mfa_session_id=str(outcome.challenge.id),
        methods=list(outcome.methods),
    )

"""Passwords, invitations and addresses over the API."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import calling_session
from accounts.api.password_serializers import (
    AcceptanceSerializer,
    EmailSerializer,
    LinkSerializer,
    PasswordChangeSerializer,
    ResetAskSerializer,
    ResetSerializer,
    SentSerializer,
)
from accounts.services import email_change, invitations, passwords
from chatsec.core.api import PUBLIC, SIGNED_IN, ApiView
from chatsec.core.errors import Invalid

RESET_SENT = "If there is such an account, a link was mailed to its address."
LINK_SENT = "A link was mailed to the new address."


class PasswordView(ApiView):
    """POST /auth/password."""

    required_permission = SIGNED_IN

    @extend_schema(request=PasswordChangeSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Change one's own password; every other device and token is out."""
        given = PasswordChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = calling_session(request)
        plain = request._request  # noqa: SLF001 - Django's own functions want it
        try:
            passwords.change_password(
                plain,
                session,
                current=given.validated_data["current_password"],
                new=given.validated_data["password"],
                end_keys=given.validated_data["end_keys"],
            )
        except Invalid as refusal:
            raise _worded(refusal) from refusal
        if request.auth is None:
            passwords.keep_browser_signed_in(plain, session.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _worded(refusal: Invalid) -> Invalid:
    if refusal.code != "wrong_password":
        return refusal
    fields = {"current_password": [refusal.message]}
    return Invalid(refusal.message, code=refusal.code, fields=fields)


class ResetAskView(ApiView):
    """POST /auth/password/reset."""

    required_permission = PUBLIC
    # No cookie is read here, so a foreign page has nothing to ride on.
    authentication_classes = ()

    @extend_schema(request=ResetAskSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        """Mail a link for a new password: 202 whoever it is for."""
        given = ResetAskSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.ask_reset(given.validated_data["username"])
        return Response({"detail": RESET_SENT}, status=status.HTTP_202_ACCEPTED)


class ResetView(ApiView):
    """POST /auth/password/reset/confirm."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(request=ResetSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Set a new password by a mailed link; every session ends, none begins."""
        given = ResetSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        passwords.reset_password(
            given.validated_data["token"],
            given.validated_data["password"],
            end_keys=given.validated_data["end_keys"],
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationView(ApiView):
    """POST /auth/invitation."""

    required_permission = PUBLIC
    authentication_classes = ()

    @extend_schema(request=AcceptanceSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Accept an invitation: set name and first password; sign in afterwards."""
        given = AcceptanceSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        invitations.accept_invitation(
            given.validated_data["token"],
            password=given.validated_data["password"],
            display_name=given.validated_data.get("display_name"),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class EmailView(ApiView):
    """POST /auth/email."""

    required_permission = SIGNED_IN

    @extend_schema(request=EmailSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        """Mail a link to a new address, which counts once the link is followed."""
        given = EmailSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = calling_session(request)
        email_change.ask_email_change(session, given.validated_data["email"])
        return Response({"detail": LINK_SENT}, status=status.HTTP_202_ACCEPTED)


class EmailConfirmView(ApiView):
    """POST /auth/email/confirm."""

    required_permission = SIGNED_IN

    @extend_schema(request=LinkSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Use the new address; only in a session of the account that it is for."""
        given = LinkSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = calling_session(request)
        email_change.confirm_email_change(session, given.validated_data["token"])
        return Response(status=status.HTTP_204_NO_CONTENT)

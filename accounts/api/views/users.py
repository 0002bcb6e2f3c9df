"""The people of the organisation, for those who manage them."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import calling_session, require_second_factor
from accounts.api.user_serializers import (
    UserChangeSerializer,
    UserDetailSerializer,
    UserSearchSerializer,
    UserSerializer,
    UserStateSerializer,
)
from accounts.selectors import get_user, search_users
from accounts.services import invitations, passwords, people, proof
from chatsec.core.api import ApiView, paginate

MANAGE_USERS = "manage_users"


class UsersView(ApiView):
    """GET, POST /users."""

    required_permission = MANAGE_USERS

    @extend_schema(
        responses=UserSerializer(many=True),
        parameters=[OpenApiParameter("q", str, OpenApiParameter.QUERY)],
    )
    def get(self, request: Request) -> Response:
        """List accounts by the beginning of their names, or one by its address."""
        given = UserSearchSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        rows = search_users(given.validated_data.get("q", ""))
        return paginate(
            request,
            rows.select_related("manager"),
            ordering=("username",),
            serializer=UserSerializer,
        )

    @extend_schema(request=UserChangeSerializer, responses={201: UserDetailSerializer})
    def post(self, request: Request) -> Response:
        """Make an account and mail its person an invitation."""
        require_second_factor(request)
        given = UserChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        profile = dict(given.validated_data)
        made = invitations.invite(profile.pop("username"), **profile)
        return Response(UserDetailSerializer(made).data, status=status.HTTP_201_CREATED)


class UserView(ApiView):
    """GET, PATCH /users/{id}."""

    required_permission = MANAGE_USERS

    @extend_schema(responses=UserDetailSerializer)
    def get(self, request: Request, user_id: UUID) -> Response:
        """Show one account."""
        return Response(UserDetailSerializer(get_user(user_id)).data)

    @extend_schema(request=UserStateSerializer, responses=UserDetailSerializer)
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change an account; closing it ends its sessions.

        403 `step_up_required` for another address without fresh proof.
        """
        require_second_factor(request)
        given = UserStateSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        user = get_user(user_id)
        if "email" in given.validated_data:
            # Links for a new password go there.
            proof.require_recent(calling_session(request))
        changed = people.update_user(user, **given.validated_data)
        return Response(UserDetailSerializer(changed).data)


class UserInvitationView(ApiView):
    """POST /users/{id}/invitation."""

    required_permission = MANAGE_USERS

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, user_id: UUID) -> Response:
        """Mail the invitation again; the link that was mailed before is dead."""
        require_second_factor(request)
        invitations.invite_again(get_user(user_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class UserResetView(ApiView):
    """POST /users/{id}/password-reset."""

    required_permission = MANAGE_USERS

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, user_id: UUID) -> Response:
        """Mail the person a link for a new password; nobody else can choose it."""
        require_second_factor(request)
        passwords.send_reset(get_user(user_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

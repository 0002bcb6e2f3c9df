"""Roles, assignments, decisions, the matrix, and one's own profile."""

from __future__ import annotations

from dataclasses import asdict
from typing import ClassVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.app_scopes import EMAIL, PROFILE
from accounts.models import User
from accounts.selectors import get_user_by_name_or_id
from accounts.services.people import update_user
from chatsec.core.api import ANY_CALLER, SIGNED_IN, ApiView, paginate
from chatsec.core.errors import Denied
from rbac import selectors
from rbac.api.permissions import actor_of
from rbac.api.serializers import (
    AssignmentInputSerializer,
    AssignmentSerializer,
    CheckSerializer,
    DecisionSerializer,
    MatrixSerializer,
    ProfileChangeSerializer,
    ProfileSerializer,
    RevokeSerializer,
    RoleInputSerializer,
    RoleSerializer,
)
from rbac.constants import EXPLAIN, MANAGE_ROLES, VIEW_MATRIX
from rbac.models import Assignment
from rbac.services import (
    as_actor,
    assign_role,
    check_permission,
    decide,
    effective_permissions,
    revoke_assignment,
)
from rbac.services.roles import create_role, definition_of, delete_role, update_role


class RolesView(ApiView):
    """GET, POST /rbac/roles."""

    required_permission = {"GET": VIEW_MATRIX, "POST": MANAGE_ROLES}

    @extend_schema(responses=RoleSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List roles with their own grants."""
        return paginate(
            request,
            selectors.list_roles(),
            ordering=("name",),
            serializer=RoleSerializer,
        )

    @extend_schema(request=RoleInputSerializer, responses={201: RoleSerializer})
    def post(self, request: Request) -> Response:
        """Define a new role."""
        given = RoleInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        role = create_role(actor_of(request), definition=given.definition())
        return Response(RoleSerializer(role).data, status=status.HTTP_201_CREATED)


class RoleView(ApiView):
    """GET, PATCH, DELETE /rbac/roles/{name}."""

    required_permission = {
        "GET": VIEW_MATRIX,
        "PATCH": MANAGE_ROLES,
        "DELETE": MANAGE_ROLES,
    }

    @extend_schema(responses=RoleSerializer)
    def get(self, _request: Request, name: str) -> Response:
        """Return one role."""
        return Response(RoleSerializer(selectors.get_role(name)).data)

    @extend_schema(request=RoleInputSerializer, responses=RoleSerializer)
    def patch(self, request: Request, name: str) -> Response:
        """Change the named parts; grants and parents are replaced as a whole."""
        role = selectors.get_role(name)
        given = RoleInputSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        definition = given.definition(base=definition_of(role))
        changed = update_role(actor_of(request), role=role, definition=definition)
        return Response(RoleSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Remove a role that nobody has."""
        delete_role(actor_of(request), role=selectors.get_role(name))
        return Response(status=status.HTTP_204_NO_CONTENT)


class AssignmentsView(ApiView):
    """GET, POST /rbac/assignments."""

    required_permission = MANAGE_ROLES

    @extend_schema(
        parameters=[OpenApiParameter("user", str), OpenApiParameter("role", str)],
        responses=AssignmentSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List assignments, latest first, past ones too."""
        rows = selectors.list_assignments()
        if user := request.query_params.get("user"):
            rows = rows.filter(user=get_user_by_name_or_id(user))
        if role := request.query_params.get("role"):
            rows = rows.filter(role=selectors.get_role(role))
        return paginate(
            request,
            rows,
            ordering=("-created_at", "-id"),
            serializer=AssignmentSerializer,
        )

    @extend_schema(
        request=AssignmentInputSerializer, responses={201: AssignmentSerializer}
    )
    def post(self, request: Request) -> Response:
        """Give somebody a role."""
        given = AssignmentInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        terms = dict(given.validated_data)
        user = get_user_by_name_or_id(terms.pop("user"))
        assignment = assign_role(actor_of(request), user=user, **terms)
        body = AssignmentSerializer(assignment).data
        return Response(body, status=status.HTTP_201_CREATED)


class AssignmentView(ApiView):
    """DELETE /rbac/assignments/{id}."""

    required_permission = MANAGE_ROLES

    @extend_schema(
        parameters=[OpenApiParameter("reason", str)],
        request=RevokeSerializer,
        responses={204: None},
    )
    def delete(self, request: Request, assignment_id: UUID) -> Response:
        """Take the role away; the reason comes in the body or as `?reason=`."""
        body = request.data if isinstance(request.data, dict) else {}
        given = RevokeSerializer(data={**request.query_params.dict(), **body})
        given.is_valid(raise_exception=True)
        assignment = Assignment.objects.filter(pk=assignment_id).first()
        if assignment is None:
            raise Http404
        revoke_assignment(
            actor_of(request),
            assignment=assignment,
            reason=given.validated_data["reason"],
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class CheckView(ApiView):
    """POST /rbac/check."""

    required_permission = ANY_CALLER

    @extend_schema(request=CheckSerializer, responses=DecisionSerializer)
    def post(self, request: Request) -> Response:
        """Say whether somebody may, and why: oneself always, others with `explain`."""
        given = CheckSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        question = given.validated_data
        actor = actor_of(request)
        if (name := question.get("user")) and not _is_self(actor.person, name):
            # Asked before the name is looked up: a refusal tells nobody who exists.
            if not check_permission(actor, EXPLAIN):
                raise Denied("You may only ask about yourself.", required=EXPLAIN)
            person = get_user_by_name_or_id(name)
            actor = actor if person.id == actor.id else as_actor(person)
        decision = decide(
            actor,
            question["permission"],
            resource=question.get("resource"),
            context=question.get("context"),
            at=question.get("at"),
        )
        return Response(asdict(decision))


def _is_self(person: object, name: str) -> bool:
    return isinstance(person, User) and name.casefold() in (
        person.username,
        str(person.id),
    )


class MatrixView(ApiView):
    """GET /rbac/matrix."""

    required_permission = VIEW_MATRIX

    @extend_schema(responses=MatrixSerializer)
    def get(self, _request: Request) -> Response:
        """Return every role's cell for every permission of the domain."""
        matrix = selectors.permission_matrix()
        return Response(
            {
                "roles": [role.name for role in matrix.roles],
                "permissions": [asdict(row) for row in matrix.rows],
            }
        )


class MeView(ApiView):
    """GET, PATCH /me."""

    required_permission: ClassVar = {"GET": ANY_CALLER, "PATCH": SIGNED_IN}
    app_scopes = (PROFILE, EMAIL)

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: Request) -> Response:
        """Return one's own profile, roles and effective permissions."""
        return Response(_profile(request))

    @extend_schema(request=ProfileChangeSerializer, responses=ProfileSerializer)
    def patch(self, request: Request) -> Response:
        """Change one's own display name."""
        given = ProfileChangeSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        assert isinstance(request.user, User)  # noqa: S101 - narrowed by SIGNED_IN
        update_user(request.user, **given.validated_data)
        return Response(_profile(request))


def _profile(request: Request) -> dict[str, object]:
    user, actor = request.user, actor_of(request)
    assert isinstance(user, User)  # noqa: S101 - narrowed by SIGNED_IN
    return {
        "id": str(user.id),
        "username": user.username,
        "display_name": user.display_name,
        "email": user.email,
        "department": user.department,
        "region": user.region,
        "team": user.team,
        "roles": list(selectors.role_names(user)),
        "permissions": list(effective_permissions(actor)),
    }

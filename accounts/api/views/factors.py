"""One's own second factors over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import caller, calling_session
from accounts.api.factor_serializers import (
    BegunFactorSerializer,
    ConfirmationSerializer,
    EnrolledSerializer,
    FactorNameSerializer,
    FactorPageSerializer,
    FactorSerializer,
    NewFactorSerializer,
)
from accounts.models import AuthSession, Passkey, TOTPFactor
from accounts.selectors import find_recovery_sheet, find_waiting_factor, list_factors
from accounts.services import enrolment, sign_in
from accounts.services.enrolment import Enrolled
from chatsec.core.api import SIGNED_IN, ApiView
from chatsec.core.errors import Json, NotFound


class FactorsView(ApiView):
    """GET, POST /auth/factors."""

    required_permission = SIGNED_IN

    @extend_schema(responses=FactorPageSerializer)
    def get(self, request: Request) -> Response:
        """List one's own factors, and how many recovery codes are left."""
        user = caller(request)
        sheet = find_recovery_sheet(user)
        rows = [*list_factors(user), *([sheet] if sheet is not None else [])]
        shown = FactorSerializer(rows, many=True).data  # type: ignore[arg-type]  # rows of several models
        return Response({"results": shown, "next": None, "previous": None})

    @extend_schema(request=NewFactorSerializer, responses={201: BegunFactorSerializer})
    def post(self, request: Request) -> Response:
        """Begin to set a factor up, or make new recovery codes. Needs fresh proof."""
        given = NewFactorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = calling_session(request)
        begun = _begun(session, **given.validated_data)
        answer = Response(begun, status=status.HTTP_201_CREATED)
        answer["Cache-Control"] = "no-store"
        return answer


def _begun(session: AuthSession, *, kind: str, name: str) -> dict[str, Json]:
    if kind == TOTPFactor.kind:
        factor = enrolment.begin_totp(session, name=name)
        return {
            "id": str(factor.handle),
            "kind": kind,
            "secret": factor.secret_base32,
            "uri": factor.provisioning_uri(),
        }
    if kind == Passkey.kind:
        asked = enrolment.begin_passkey(session)
        return {
            "id": str(asked.question_id),
            "kind": kind,
            "options": dict(asked.options),
        }
    codes = enrolment.renew_recovery_codes(session)
    sheet = find_recovery_sheet(session.user)
    return {"id": str(sheet.handle) if sheet else "", "kind": kind, "codes": [*codes]}


class FactorConfirmView(ApiView):
    """POST /auth/factors/{id}/confirm."""

    required_permission = SIGNED_IN

    @extend_schema(request=ConfirmationSerializer, responses=EnrolledSerializer)
    def post(self, request: Request, factor_id: UUID) -> Response:
        """Finish a set-up by the app's first code, or by what the passkey answered."""
        given = ConfirmationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = calling_session(request)
        enrolled = _enrolled(session, factor_id, given.validated_data)
        if request.auth is None:
            sign_in.step_up_browser_session(request._request, enrolled.factor)  # noqa: SLF001 - Django's own functions want it
        answer = Response(EnrolledSerializer(_parts(enrolled)).data)  # type: ignore[arg-type]  # a plain mapping
        answer["Cache-Control"] = "no-store"
        return answer


def _parts(enrolled: Enrolled) -> dict[str, object]:
    return {
        "factor": enrolled.factor,
        "recovery_codes": list(enrolled.recovery_codes),
    }


def _enrolled(
    session: AuthSession, factor_id: UUID, given: Mapping[str, Any]
) -> Enrolled:
    if "passkey" in given:
        return enrolment.finish_passkey(
            session, factor_id, given["passkey"], name=given["name"]
        )
    waiting = find_waiting_factor(session.user)
    if waiting is None or waiting.handle != factor_id:
        raise NotFound("There is no such set-up.")
    return enrolment.finish_totp(session, given["code"])


class FactorView(ApiView):
    """PATCH, DELETE /auth/factors/{id}."""

    required_permission = SIGNED_IN

    @extend_schema(request=FactorNameSerializer, responses=FactorSerializer)
    def patch(self, request: Request, factor_id: UUID) -> Response:
        """Call one of one's own factors something else. Needs fresh proof."""
        given = FactorNameSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        name = given.validated_data["name"]
        renamed = enrolment.rename_factor(calling_session(request), factor_id, name)
        return Response(FactorSerializer(renamed).data)  # type: ignore[arg-type]  # rows of several models

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, factor_id: UUID) -> Response:
        """Take one of one's own factors away. Needs fresh proof."""
        enrolment.remove_factor(calling_session(request), factor_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

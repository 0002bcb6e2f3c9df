"""One person in the evidence; reading that is on record."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from auditlog.api.person_serializers import PersonDetail
from auditlog.api.views.pages import VIEW_AUDIT
from auditlog.person_shapes import person_detail
from auditlog.services.reading import read_person
from chatsec.core.api import ApiView


class PersonOne(ApiView):
    """One person, by pseudonym."""

    required_permission = VIEW_AUDIT

    @extend_schema(responses=PersonDetail)
    def get(self, request: Request, pseudonym: UUID) -> Response:
        """Return what there is under the pseudonym; 404 where there is nothing."""
        return Response(person_detail(read_person(pseudonym)))

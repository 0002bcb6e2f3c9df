"""One's own API keys, over the API. A key makes, shows and ends no keys."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import caller, calling_session
from accounts.api.key_serializers import (
    ApiKeySerializer,
    KeyTermsSerializer,
    MadeKeySerializer,
)
from accounts.selectors import list_api_keys
from accounts.services import api_keys
from chatsec.core.api import SIGNED_IN, ApiView, paginate


class KeysView(ApiView):
    """GET, POST /auth/api-keys."""

    required_permission = SIGNED_IN

    @extend_schema(responses=ApiKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the caller's own keys, ended ones too, the newest first."""
        rows = list_api_keys(caller(request))
        return paginate(
            request,
            rows,
            ordering=("-created_at", "-id"),
            serializer=ApiKeySerializer,
        )

    @extend_schema(request=KeyTermsSerializer, responses={201: MadeKeySerializer})
    def post(self, request: Request) -> Response:
        """Make a key; `key` is in this answer and nowhere else, ever.

        403 `step_up_required` unless the caller proved himself just now.
        """
        given = KeyTermsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        terms = api_keys.KeyTerms(**given.validated_data)
        made = api_keys.make_own_key(calling_session(request), terms)
        body = {**ApiKeySerializer(made.key).data, "key": made.text}
        return Response(body, status=status.HTTP_201_CREATED)


class KeyView(ApiView):
    """DELETE /auth/api-keys/{id}."""

    required_permission = SIGNED_IN

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:
        """End one of the caller's own keys, at once and everywhere."""
        api_keys.revoke_own_key(caller(request), key_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

"""What the caller was told about his account."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.caller import caller
from accounts.api.serializers import NoticeSerializer
from accounts.selectors import list_recent_notices
from accounts.services import notices
from chatsec.core.api import SIGNED_IN, ApiView, paginate


class NoticesView(ApiView):
    """GET /auth/notices."""

    required_permission = SIGNED_IN
    polled_methods = ("GET",)

    @extend_schema(responses=NoticeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List what happened to the caller's account in the last 90 days."""
        rows = list_recent_notices(caller(request), now=timezone.now())
        return paginate(request, rows, ordering=("-id",), serializer=NoticeSerializer)


class SeenView(ApiView):
    """POST /auth/notices/seen."""

    required_permission = SIGNED_IN

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Note that the caller has seen them."""
        notices.mark_seen(caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

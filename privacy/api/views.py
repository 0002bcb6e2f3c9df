"""A person's own data, consents and requests over the API."""

from __future__ import annotations

from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from chatsec.core.api import PUBLIC, SIGNED_IN, ApiView, paginate
from chatsec.core.context import current_actor
from chatsec.core.errors import Denied, Unauthenticated
from privacy import selectors
from privacy.api.serializers import (
    ConsentDecisionSerializer,
    ConsentSerializer,
    NoticeSerializer,
    OpenRequestSerializer,
    RequestSerializer,
)
from privacy.downloads import zip_response
from privacy.services import consent, downloads, requests
from privacy.tasks import enqueue


class NoticeView(ApiView):
    """GET /privacy/notice."""

    required_permission = PUBLIC

    @extend_schema(responses=NoticeSerializer)
    def get(self, request: Request) -> Response:
        """Return the notice that holds now."""
        return Response(NoticeSerializer(selectors.get_notice()).data)


class ConsentsView(ApiView):
    """GET /privacy/consents."""

    required_permission = SIGNED_IN

    @extend_schema(responses=ConsentSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return every purpose with what the caller says about it."""
        rows = selectors.list_consents(_own_id())
        results = [ConsentSerializer(row).data for row in rows]
        return Response({"results": results, "next": None, "previous": None})


class ConsentView(ApiView):
    """PUT /privacy/consents/{purpose}."""

    required_permission = SIGNED_IN

    @extend_schema(request=ConsentDecisionSerializer, responses=ConsentSerializer)
    def put(self, request: Request, purpose: str) -> Response:
        """Give or withdraw the caller's consent; it counts at once."""
        given = ConsentDecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        say = (
            consent.give_consent
            if given.validated_data["granted"]
            else consent.withdraw_consent
        )
        state = say(current_actor(), purpose=purpose)
        shown = selectors.Consent(state.purpose, state.granted, state.changed_at)
        return Response(ConsentSerializer(shown).data)


class RequestsView(ApiView):
    """GET and POST /privacy/requests."""

    required_permission = SIGNED_IN

    @extend_schema(responses=RequestSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return the caller's own requests, newest first."""
        rows = selectors.list_requests(current_actor())
        return paginate(request, rows, ordering=("-id",), serializer=RequestSerializer)

    @extend_schema(request=OpenRequestSerializer, responses={201: RequestSerializer})
    def post(self, request: Request) -> Response:
        """Open a request; exports begin at once, the others wait for a person."""
        given = OpenRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        # In no transaction: a wrong password must stay counted when this is refused.
        opened = requests.open_request(current_actor(), **given.validated_data)
        enqueue(opened)
        return Response(RequestSerializer(opened).data, status=status.HTTP_201_CREATED)


class RequestView(ApiView):
    """GET /privacy/requests/{id}."""

    required_permission = SIGNED_IN
    polled_methods = ("GET",)

    @extend_schema(responses=RequestSerializer)
    def get(self, request: Request, request_id: UUID) -> Response:
        """Return one of the caller's own requests."""
        found = selectors.get_request(current_actor(), request_id)
        return Response(RequestSerializer(found).data)


class CancelView(ApiView):
    """POST /privacy/requests/{id}/cancel."""

    required_permission = SIGNED_IN

    @extend_schema(request=None, responses=RequestSerializer)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Take the caller's own open request back."""
        found = requests.cancel_request(current_actor(), request_id)
        return Response(RequestSerializer(found).data)


class ZipOrProblem(JSONRenderer):
    """Lets a client ask for application/zip; a refusal is JSON all the same."""

    media_type = "application/zip"
    format = "zip"


class DownloadView(ApiView):
    """GET /privacy/requests/{id}/download."""

    required_permission = SIGNED_IN
    renderer_classes = (JSONRenderer, ZipOrProblem)
    # No HEAD: Django would answer it with GET, and a look would use a download up.
    http_method_names = ("get", "options")

    @extend_schema(responses={(200, "application/zip"): OpenApiResponse(bytes)})
    def get(self, request: Request, request_id: UUID) -> StreamingHttpResponse:
        """Send the caller's own export; each time uses one of its downloads up."""
        _refuse_other_sites(request)
        found = downloads.start_download(current_actor(), request_id)
        return zip_response(found)


def _refuse_other_sites(request: Request) -> None:
    """Raise Denied where a page of another site made a browser ask (Fetch Metadata).

    A program sends no such header; it brings a token, which no browser adds by itself.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise Denied("Another site asked for this.", code="cross_site")


def _own_id() -> UUID:
    own_id = current_actor().id
    if own_id is None:
        raise Unauthenticated
    return own_id

"""Events as a file, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from auditlog.api.serializers import ExportQuery
from auditlog.api.views.pages import VIEW_AUDIT, asked
from auditlog.formats import MEDIA_TYPES, Format
from auditlog.services.exporting import Order, start_export
from chatsec.core.api import ApiView

FILE_TYPES: Final = sorted({each.split(";")[0] for each in MEDIA_TYPES.values()})
ENDINGS: Final[Mapping[Format, str]] = {
    "jsonl": "jsonl",
    "csv": "csv",
    "ocsf": "ocsf.jsonl",
}


class FirstRenderer(BaseContentNegotiation):
    """Leaves `format` in the address to us; refusals are documents as everywhere."""

    def select_parser(
        self, request: Request, parsers: Iterable[BaseParser]
    ) -> BaseParser | None:
        """Return the one parser."""
        return next(iter(parsers), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the one renderer."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class EventExport(ApiView):
    """What a search finds, as a file."""

    required_permission = VIEW_AUDIT
    content_negotiation_class = FirstRenderer

    @extend_schema(
        parameters=[ExportQuery],
        responses={(200, each): OpenApiTypes.BINARY for each in FILE_TYPES},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return the file; what was taken is on record before and after."""
        return export_response(asked(request.query_params, ExportQuery))

    def head(self, request: Request) -> HttpResponse:
        """Return what the file would be called; nothing is taken out."""
        return file_headers(asked(request.query_params, ExportQuery))


def export_response(words: dict[str, str]) -> StreamingHttpResponse:
    """Return the stream of an export, as a file to keep."""
    order = Order.read(words)
    response = StreamingHttpResponse(start_export(words))
    _name_file(response, order)
    return response


def file_headers(words: dict[str, str]) -> HttpResponse:
    """Return the headers of an export without its body."""
    response = HttpResponse()
    _name_file(response, Order.read(words))
    return response


def _name_file(response: HttpResponseBase, order: Order) -> None:
    response["Content-Type"] = MEDIA_TYPES[order.format]
    name = f"audit-{timezone.now():%Y%m%dT%H%M%SZ}.{ENDINGS[order.format]}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Accel-Buffering"] = "no"

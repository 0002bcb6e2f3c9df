"""The OpenAPI 3.1 document, as JSON or YAML, as the caller asks; and a page for it."""

from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from chatsec.core.api import PUBLIC


class OpenApiJson(OpenApiJsonRenderer):
    """Answers `Accept: application/json` and `?format=json` too."""

    media_type = "application/json"


class SchemaView(SpectacularAPIView):
    """Describe the API to everybody; the description holds no secret."""

    required_permission = PUBLIC
    renderer_classes = [OpenApiJson, OpenApiJsonRenderer, OpenApiYamlRenderer]


class DocsView(SpectacularSwaggerSplitView):
    """Show the description; its script comes by an address, as the policy wants it."""

    required_permission = PUBLIC

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the page or its script, kept apart from other windows like all."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]  # the library has no types
        response.headers.pop("Cross-Origin-Opener-Policy", None)
        return response

    def handle_exception(self, error: Exception) -> Response:
        """Return the refusal as the JSON that its content type says it is."""
        self.request.accepted_renderer = JSONRenderer()
        return super().handle_exception(error)

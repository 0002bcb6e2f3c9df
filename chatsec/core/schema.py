"""The OpenAPI 3.1 document, as JSON or YAML, as the caller asks."""

from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView

from chatsec.core.api import PUBLIC


class OpenApiJson(OpenApiJsonRenderer):
    """Answers `Accept: application/json` and `?format=json` too."""

    media_type = "application/json"


class SchemaView(SpectacularAPIView):
    """Describe the API to everybody; the description holds no secret."""

    required_permission = PUBLIC
    renderer_classes = [OpenApiJson, OpenApiJsonRenderer, OpenApiYamlRenderer]

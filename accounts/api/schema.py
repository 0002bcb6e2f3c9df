"""How callers prove who they are, for the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """`Authorization: Bearer` with the `access` of POST /auth/token."""

    target_class = "accounts.api.authentication.AccessTokenAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, object]:
        """Return the scheme (RFC 6750)."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """`Authorization: Bearer csk_...` with a key of POST /auth/api-keys."""

    target_class = "accounts.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, object]:
        """Return the scheme (RFC 6750)."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "csk"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """The browser's session; writes carry the CSRF token in `X-CSRFToken`."""

    target_class = "accounts.api.authentication.SessionAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, object]:
        """Return the scheme; over TLS the cookie's name begins with `__Host-`."""
        return {"type": "apiKey", "in": "cookie", "name": "session"}

"""What apps and their libraries look up about this provider."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access_tokens import ALGORITHM
from accounts.app_scopes import SCOPES

MAX_AGE_SECONDS = 3600


@require_GET
def provider_metadata(request: HttpRequest) -> JsonResponse:
    """Publish what the provider can do (RFC 8414, OpenID Connect Discovery 1.0)."""
    methods = ["client_secret_basic", "client_secret_post", "none"]
    told = {
        "issuer": settings.CHATSEC_PUBLIC_URL,
        "authorization_endpoint": _address("oauth-authorize"),
        "token_endpoint": _address("oauth-token"),
        "revocation_endpoint": _address("oauth-revoke"),
        "userinfo_endpoint": _address("oauth-userinfo"),
        "jwks_uri": _address("jwks"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            *("iss", "aud", "sub", "jti", "iat", "exp", "auth_time", "amr"),
            *("at_hash", "nonce", "preferred_username", "name", "email"),
        ],
        "prompt_values_supported": ["none", "login", "consent"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    answer = JsonResponse(told)
    answer["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    return answer


def _address(name: str) -> str:
    return f"{settings.CHATSEC_PUBLIC_URL.rstrip('/')}{reverse(name)}"

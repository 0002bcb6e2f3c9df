"""What machines look up below /.well-known/."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from accounts import access_tokens

KEYS_MAX_AGE_SECONDS = 300


@require_safe
def key_set(request: HttpRequest) -> JsonResponse:
    """Publish the public keys of access tokens (RFC 7517)."""
    answer = JsonResponse(access_tokens.public_keys())
    answer["Cache-Control"] = f"public, max-age={KEYS_MAX_AGE_SECONDS}"
    return answer

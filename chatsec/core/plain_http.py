"""What a request in clear gets where TLS is on: pages are led there, no one else is."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chatsec.core.api import plain_problem, wants_json
from chatsec.core.pages import page_for_nobody

# People open these in a browser, although programs live all around them.
PAGES_AMONG_PROGRAMS = frozenset(
    {"/api/docs/", "/o/authorize", "/.well-known/security.txt"}
)
MESSAGE = (
    "This was sent in clear, and was refused unread. Use https, and change any "
    "password, key or token that was in it."
)


class PlainHttpMiddleware:
    """Refuses plain http where a redirect would hide a leak (OWASP ASVS 4.1.2).

    A program whose address lacks the s in https would send its secret in clear before
    every redirect, and nobody would notice. Reads of pages go on to Django's redirect.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request, or refuse it with its body unread."""
        if not settings.SECURE_SSL_REDIRECT or request.is_secure():
            return self.get_response(request)
        if _needs_no_tls(request):
            return self.get_response(request)
        is_page = request.path in PAGES_AMONG_PROGRAMS or not wants_json(request)
        if not is_page:
            return plain_problem(403, "https_required", MESSAGE)
        if request.method in {"GET", "HEAD"}:
            return self.get_response(request)
        return page_for_nobody(request, 403, MESSAGE)


def _needs_no_tls(request: HttpRequest) -> bool:
    path = request.path.removeprefix("/")
    return any(re.search(exempt, path) for exempt in settings.SECURE_REDIRECT_EXEMPT)

"""Mail that was not sent, to be read in the browser: development only."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import outbox


@require_safe
def outbox_page(request: HttpRequest) -> HttpResponse:
    """Show the latest messages to whoever sits at this machine; 404 elsewhere.

    Nobody has to be signed in: an invitation is for somebody who has no account yet.
    """
    if not settings.CHATSEC_OUTBOX or not _is_here(request):
        raise Http404
    return render(request, "accounts/outbox.html", {"letters": outbox.read_letters()})


def _is_here(request: HttpRequest) -> bool:
    """Whether the request came from this machine, and not through a proxy on it."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False

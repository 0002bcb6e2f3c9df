"""Error pages, and what every template knows."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string

from chatsec.core import context
from chatsec.core.api import OUTAGE_MESSAGE, plain_problem, status_of, wants_json
from chatsec.core.errors import Denied, DomainError, TooMany
from chatsec.core.evidence import note_denial
from chatsec.core.outage import is_out_of_reach

PAGE_METHODS = ("GET", "HEAD", "POST")


class RefusalMiddleware:
    """Words the refusals that a page did not word itself: they are no faults."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request."""
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> HttpResponseBase | None:
        """Answer a refusal with its own status; anything else is left alone."""
        if not isinstance(error, DomainError):
            return None
        return _refused(request, note_denial(error))


class PageMethodsMiddleware:
    """Answers 405 to methods that no page has, which a view would take for a GET.

    API views know their own methods and refuse others by themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], *_: object
    ) -> HttpResponseBase | None:
        """Refuse, and name the methods of pages (RFC 9110, 15.5.6)."""
        if hasattr(view, "cls") or request.method in PAGE_METHODS:
            return None
        message = "This page can be read and its forms sent, nothing else."
        page = _page(request, 405, "method_not_allowed", message)
        page["Allow"] = ", ".join(PAGE_METHODS)
        return page


def organisation(request: HttpRequest) -> dict[str, str]:
    """Give templates the organisation's name and the request id."""
    return {
        "organisation": settings.CHATSEC_ORGANISATION,
        "request_id": context.current().request_id,
    }


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404: what may not be seen and what is not there look the same."""
    return _page(request, 404, "not_found", "There is nothing here that you may see.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 403; that somebody asked is on record."""
    return _refused(request, note_denial(Denied("You may not open this page.")))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400."""
    return _page(request, 400, "invalid", "This request could not be understood.")


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer 500 without any detail of the fault; 503 while the database is away."""
    if is_out_of_reach(sys.exc_info()[1]):
        return _last_page(request, 503, "unavailable", OUTAGE_MESSAGE)
    message = "Something went wrong on our side."
    return _last_page(request, 500, "internal_error", message)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer 403 to a write without a valid CSRF token or from a foreign origin."""
    message = "This form is too old or came from another site. Load the page again."
    return _page(request, 403, "csrf_failed", message)


def _last_page(
    request: HttpRequest, status: int, code: str, message: str
) -> HttpResponseBase:
    if wants_json(request):
        return plain_problem(status, code, message)
    return page_for_nobody(request, status, message)


def page_for_nobody(
    request: HttpRequest, status: int, message: str
) -> HttpResponseBase:
    """Answer without asking who is signed in: that may be the very thing that broke."""
    shown = {
        **organisation(request),
        "request": request,
        "status": status,
        "message": message,
    }
    return HttpResponse(render_to_string("error.html", shown), status=status)


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponseBase:
    page = _page(request, status_of(refusal), refusal.code, refusal.message)
    if isinstance(refusal, TooMany):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page


def _page(
    request: HttpRequest, status: int, code: str, message: str
) -> HttpResponseBase:
    if wants_json(request):
        return plain_problem(status, code, message)
    shown = {"status": status, "message": message}
    page: HttpResponse = render(request, "error.html", shown, status=status)
    return page

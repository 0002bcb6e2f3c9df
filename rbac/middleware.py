"""One look at the policy's stamp a request, not one a check."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chatsec.core.context import current_actor
from rbac.selectors import hold_stamp


class PolicyStampMiddleware:
    """Lets a request's checks share one stamp; a new request reads a new one.

    Comes after the middleware that names the actor, whose object lives as long as the
    request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request with the actor's stamp held from its first check on."""
        person = current_actor().person
        if person is not None:
            hold_stamp(person)
        return self.get_response(request)

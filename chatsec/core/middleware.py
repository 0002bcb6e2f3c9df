"""The outermost layers of every request: its context, and headers on every answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from uuid_utils.compat import uuid7

from chatsec.core import context
from chatsec.core.context import ANONYMOUS, RequestContext

GetResponse = Callable[[HttpRequest], HttpResponseBase]

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
USER_AGENT_LENGTH = 256
# W3C Fetch Metadata. Another host of the same domain is another site to us; "none" is
# an address typed or a bookmark, and browsers that send nothing are believed.
CROSS_SITE = ("cross-site", "same-site")
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb")
)


class RequestContextMiddleware:
    """Binds request id, address and user agent; answers with `X-Request-ID`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request inside its own context."""
        bound = RequestContext(
            request_id=_request_id(request),
            actor=ANONYMOUS,
            ip=client_address(request),
            user_agent=request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH],
            is_cross_site=request.headers.get("Sec-Fetch-Site") in CROSS_SITE,
        )
        request.META[context.REQUEST_ID_KEY] = bound.request_id
        with context.bound(bound):
            response = self.get_response(request)
            # By now it names the actor, whom a stream goes on acting for.
            bound = context.current()
        response["X-Request-ID"] = bound.request_id
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            chunks = iter(response)
            response.streaming_content = _streamed_in(bound, chunks)
        return response


def _streamed_in(bound: RequestContext, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a stream's chunks with the request's context bound while each is made."""
    while True:
        with context.bound(bound):
            try:
                chunk = next(chunks)
            except StopIteration:
                return
        yield chunk


def _request_id(request: HttpRequest) -> str:
    """Take the caller's id only from a trusted proxy: evidence hangs on it."""
    given = request.headers.get("X-Request-ID", "")
    if settings.CHATSEC_TRUSTED_PROXIES and REQUEST_ID.fullmatch(given):
        return given
    return str(uuid7())


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address, believing only as many proxies as settings say."""
    hops = [request.META.get("REMOTE_ADDR", "")]
    forwarded = request.headers.get("X-Forwarded-For", "")
    trusted = settings.CHATSEC_TRUSTED_PROXIES
    if trusted and forwarded:
        hops = [*(hop.strip() for hop in forwarded.split(",")), *hops]
    candidate = hops[max(0, len(hops) - 1 - trusted)]
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


class SecurityHeadersMiddleware:
    """Adds the headers that Django has no middleware for, to every answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve, then name what the page may do and who may embed it."""
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Reporting-Endpoints", settings.REPORTING_ENDPOINTS)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

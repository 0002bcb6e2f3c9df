"""Where browsers report what the Content-Security-Policy kept them from loading.

A report is typed by whoever sends it: it is counted and logged in words of our own, so
many a minute, and changes nothing.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatsec.core import metrics, strict_json
from chatsec.core.api import plain_problem
from chatsec.core.errors import Json

logger = logging.getLogger(__name__)

# Two forms of the same: CSP level 2 (`report-uri`) and the Reporting API (`report-to`).
OLD_FORM = "application/csp-report"
NEW_FORM = "application/reports+json"
MAX_BYTES = 16 * 1024
MAX_REPORTS = 20
LOGGED_PER_MINUTE = 60
DIRECTIVE = re.compile(r"[a-z-]{1,30}")
KEYWORDS = frozenset({"inline", "eval", "wasm-eval", "self", "data", "blob"})


@csrf_exempt  # a browser sends it by itself, without a page's token
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer 204 to a report, whatever it says; 4xx to what is none."""
    if request.content_type not in {OLD_FORM, NEW_FORM}:
        return plain_problem(415, "unsupported_media_type", "This is not a report.")
    try:
        raw = request.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            return plain_problem(413, "too_large", "The report is too large.")
        told = strict_json.loads(raw)
    except RequestDataTooBig:
        return plain_problem(413, "too_large", "The report is too large.")
    except strict_json.MalformedJson as error:
        return plain_problem(400, "malformed_json", str(error))
    for violation in _violations(told):
        _count(violation)
    return HttpResponse(status=204)


# A browser sends it, whether or not somebody sits there (`accounts.polling`).
receive.polled_methods = ("POST",)  # type: ignore[attr-defined]


def _violations(told: Json) -> Iterator[dict[str, Json]]:
    if isinstance(told, dict):
        body = told.get("csp-report")
        if isinstance(body, dict):
            yield body
    elif isinstance(told, list):
        for report in told[:MAX_REPORTS]:
            if not isinstance(report, dict) or report.get("type") != "csp-violation":
                continue
            body = report.get("body")
            if isinstance(body, dict):
                yield body


def _count(violation: dict[str, Json]) -> None:
    directive = _directive(
        _text(violation, "effective-directive", "effectiveDirective")
    )
    metrics.count_csp_report(directive)
    if not _budget.take():
        return
    logger.warning(
        "the policy kept a page from loading something",
        extra={
            "directive": directive,
            "blocked": _host(_text(violation, "blocked-uri", "blockedURL")),
            "route": _route(_text(violation, "document-uri", "documentURL")),
        },
    )


def _text(violation: dict[str, Json], old_name: str, new_name: str) -> str:
    found = violation.get(old_name) or violation.get(new_name)
    return found if isinstance(found, str) else ""


def _directive(text: str) -> str:
    return text if DIRECTIVE.fullmatch(text) else "other"


def _host(text: str) -> str:
    """Return the host of what was blocked; its path may hold anything."""
    if text in KEYWORDS:
        return text
    try:
        return (urlsplit(text).hostname or "unknown")[:100]
    except ValueError:
        return "unknown"


def _route(text: str) -> str:
    """Return the name of the route: the path may hold an id."""
    try:
        return resolve(urlsplit(text).path).view_name or "unnamed"
    except (Resolver404, ValueError):
        return "unknown"


class _Budget:
    """So many lines a minute in each process: reports must not fill the logs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._taken = 0

    def take(self) -> bool:
        """Whether one more line may be written in this minute."""
        minute = int(time.monotonic() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._taken = minute, 0
            self._taken += 1
            return self._taken <= LOGGED_PER_MINUTE


_budget = _Budget()

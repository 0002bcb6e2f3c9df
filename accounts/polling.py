"""Requests that a page or app makes by itself: they do not show that somebody is there.

Without the mark, a page that asks for news each minute would keep a session alive at
which nobody sits (OWASP ASVS 7.3.1).
"""

from __future__ import annotations

from django.http import HttpRequest


def counts_as_use(request: HttpRequest) -> bool:
    """Whether the request extends its session's idle time.

    A view says with `polled_methods = ("GET",)` which of its methods do not.
    """
    match = request.resolver_match
    if match is None:
        return False
    view = getattr(match.func, "cls", match.func)
    return request.method not in getattr(view, "polled_methods", ())

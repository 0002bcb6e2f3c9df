"""The live view: a list that grows while one looks at it."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from auditlog import selectors
from auditlog.pages.addresses import search_query
from chatsec.core.admin_pages import WIDE, guarded, render

VIEW_AUDIT = "view_audit"


@guarded(VIEW_AUDIT)
def live(request: HttpRequest) -> HttpResponseBase:
    """Show the frame; the script fills it from the API, which puts that on record."""
    words = selectors.asked_words(request.GET.dict())
    for name in ("since", "until", "period"):
        words.pop(name, None)
    context = {
        "words": words,
        "source": f"{reverse('audit-tail')}?{urlencode(words)}",
        "query": search_query(words),
        **WIDE,
    }
    return render(request, "auditlog/live.html", "Watch the audit log", context)

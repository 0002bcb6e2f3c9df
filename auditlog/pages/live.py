"""The live view: a list that grows while one looks at it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from auditlog import selectors
from auditlog.pages.addresses import search_address
from chatsec.core.admin_pages import WIDE, guarded, render

VIEW_AUDIT = "view_audit"
# What the script puts an id in the place of.
NO_EVENT = UUID(int=0)


@guarded(VIEW_AUDIT)
def live(request: HttpRequest) -> HttpResponseBase:
    """Show the frame; the script fills it from the API, which puts that on record."""
    words = selectors.asked_words(request.GET.dict())
    for name in ("since", "until", "period"):
        words.pop(name, None)
    context = {
        "words": words,
        "source": f"{reverse('audit-tail')}?{urlencode(words)}",
        "event_page": reverse("audit-event-page", args=[NO_EVENT]),
        "search": search_address(words),
        **WIDE,
    }
    return render(request, "auditlog/live.html", "Watch the audit log", context)

"""Whether the log is sealed, whether it still is what was sealed, what it keeps."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from auditlog import selectors
from chatsec.core.admin_pages import WIDE, guarded, render

SEE = "view_audit"


@guarded(SEE)
def seals(request: HttpRequest) -> HttpResponseBase:
    """Show the newest seal, where its heads are kept, and what checks found."""
    context = {"sealing": selectors.read_sealing()}
    return render(request, "auditlog/seals.html", "Seals and checks", context)


@guarded(SEE)
def retention(request: HttpRequest) -> HttpResponseBase:
    """Show how long events are kept, and when which of them go."""
    context = {
        "categories": selectors.read_retention(now=timezone.now()),
        "soon": selectors.SOON.days,
        **WIDE,
    }
    return render(request, "auditlog/retention.html", "Retention", context)

"""Whether the log is sealed and whether it still is what was sealed."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from auditlog import selectors
from chatsec.core.admin_pages import guarded, render

SEE = "view_audit"


@guarded(SEE)
def seals(request: HttpRequest) -> HttpResponseBase:
    """Show the newest seal, where its heads are kept, and what checks found."""
    context = {"sealing": selectors.read_sealing()}
    return render(request, "auditlog/seals.html", "Seals and checks", context)

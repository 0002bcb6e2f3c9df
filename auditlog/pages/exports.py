"""The search page's exports."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from auditlog.api.serializers import ExportQuery
from auditlog.api.views.exports import export_response, file_headers
from auditlog.api.views.pages import asked
from auditlog.pages.addresses import search_address
from chatsec.core.admin_pages import guarded
from chatsec.core.errors import Invalid, TooMany

VIEW_AUDIT = "view_audit"


@guarded(VIEW_AUDIT)
def export(request: HttpRequest) -> HttpResponseBase:
    """Send what the search finds as a file, or go back and say why not."""
    words = request.GET.dict()
    try:
        words = asked(request.GET, ExportQuery)
        if request.method == "HEAD":
            return file_headers(words)
        return export_response(words)
    except (Invalid, TooMany) as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(search_address(words))

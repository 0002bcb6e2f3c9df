"""An incident with its proofs, as a file for somebody outside."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST

from auditlog.api.views.incidents import evidence_headers
from auditlog.services.packing import export_evidence
from chatsec.core.admin_pages import guarded
from chatsec.core.errors import Denied, Invalid, TooMany

VIEW_AUDIT, MANAGE = "view_audit", "manage_incidents"


@require_POST
@guarded(VIEW_AUDIT)
def incident_evidence(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Send the package of the incident, or go back and say why not."""
    if not request.user.has_perm(f"rbac.{MANAGE}"):
        raise Denied("You may not do this.", required=MANAGE)
    try:
        package = export_evidence(pk)
    except (Invalid, TooMany) as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(reverse("audit-incident", args=[pk]))
    body = json.dumps(package, ensure_ascii=False, separators=(",", ":"))
    headers = evidence_headers(pk)
    return HttpResponse(body, content_type="application/json", headers=headers)

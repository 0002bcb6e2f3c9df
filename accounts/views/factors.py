"""My second factors: what is set up, recovery codes, and taking one away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from accounts.models import User
from accounts.selectors import (
    find_recovery_sheet,
    has_second_factor,
    list_factors,
)
from accounts.services import enrolment, sign_in
from accounts.services.enrolment import Enrolled
from accounts.views.confirm import recent_proof_required, session_of
from chatsec.core.errors import DomainError


def shown_factors(user: User) -> Mapping[str, object]:
    """Return what `accounts/_factors.html` shows."""
    sheet = find_recovery_sheet(user)
    return {
        "factors": list_factors(user),
        "recovery_codes_left": sheet.count_left() if sheet is not None else None,
    }


def show_enrolled(request: HttpRequest, enrolled: Enrolled) -> HttpResponse:
    """Mark the browser as verified by the new factor; show the first recovery codes."""
    sign_in.step_up_browser_session(request, enrolled.factor)
    messages.success(request, f"{enrolled.factor.name} is set up.")
    if enrolled.recovery_codes:
        return _show_codes(request, enrolled.recovery_codes)
    return redirect("account")


@login_required
@require_GET
def factor_required_page(request: HttpRequest) -> HttpResponse:
    """Tell somebody whose role asks for a second factor how to get on."""
    if has_second_factor(session_of(request).user):
        return redirect("account")
    return render(request, "accounts/factor_required.html")


@recent_proof_required
@require_http_methods(["GET", "POST"])
def recovery_codes_page(request: HttpRequest) -> HttpResponse:
    """Say how many codes are left; make ten new ones, which are shown once."""
    session = session_of(request)
    if request.method == "GET":
        return render(
            request, "accounts/recovery_codes.html", shown_factors(session.user)
        )
    try:
        codes = enrolment.renew_recovery_codes(session)
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("account")
    return _show_codes(request, codes)


def _show_codes(request: HttpRequest, codes: Sequence[str]) -> HttpResponse:
    text = "".join(f"{code}\n" for code in codes)
    shown = {"codes": codes, "as_file": f"data:text/plain;charset=utf-8,{quote(text)}"}
    page = render(request, "accounts/recovery_codes.html", shown)
    page["Cache-Control"] = "no-store"
    return page


@recent_proof_required
@require_POST
def rename_factor(request: HttpRequest, handle: UUID) -> HttpResponse:
    """Call one of the person's own factors something else."""
    name = request.POST.get("name", "")
    try:
        enrolment.rename_factor(session_of(request), handle, name)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "The name is saved.")
    return redirect("account")


@recent_proof_required
@require_POST
def remove_factor(request: HttpRequest, handle: UUID) -> HttpResponse:
    """Take one of the person's own factors away."""
    try:
        enrolment.remove_factor(session_of(request), handle)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "It is removed.")
    return redirect("account")

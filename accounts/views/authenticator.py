"""Setting up an authenticator app."""

from __future__ import annotations

import segno
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.errors import InvalidCode
from accounts.forms import AppCodeForm, FactorNameForm
from accounts.models import TOTPFactor
from accounts.selectors import find_waiting_factor
from accounts.services import enrolment
from accounts.views.confirm import recent_proof_required, session_of
from accounts.views.factors import show_enrolled
from chatsec.core.errors import DomainError


@recent_proof_required
@require_http_methods(["GET", "POST"])
def authenticator_page(request: HttpRequest) -> HttpResponse:
    """Enrol an authenticator app: begin, then prove it with its first code."""
    # A new secret is made by a POST only: reading a page changes nothing.
    if request.method == "GET":
        return _shown(request, FactorNameForm(), None)
    if "code" in request.POST:
        return _finish(request)
    form = FactorNameForm(request.POST)
    if not form.is_valid():
        return _shown(request, form, None)
    try:
        factor = enrolment.begin_totp(
            session_of(request), name=form.cleaned_data["name"]
        )
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("account")
    return _shown(request, AppCodeForm(), factor)


def _finish(request: HttpRequest) -> HttpResponse:
    session = session_of(request)
    waiting = find_waiting_factor(session.user)
    form = AppCodeForm(request.POST)
    if not form.is_valid():
        return _shown(request, form, waiting)
    try:
        enrolled = enrolment.finish_totp(session, form.cleaned_data["code"])
    except InvalidCode as refusal:
        form.add_error("code", refusal.message)
        return _shown(request, form, waiting)
    except DomainError:
        messages.error(request, "Please begin again: the set-up took too long.")
        return redirect("account-authenticator")
    return show_enrolled(request, enrolled)


def _shown(
    request: HttpRequest, form: forms.Form, factor: TOTPFactor | None
) -> HttpResponse:
    shown = {
        "form": form,
        "factor": factor,
        "picture": qr_code(factor.provisioning_uri()) if factor else "",
    }
    status = 400 if form.errors else 200
    return render(request, "accounts/authenticator.html", shown, status=status)


def qr_code(text: str) -> str:
    """Return the text as a picture for a camera: an SVG without any style."""
    picture: str = segno.make(text, error="m", micro=False).svg_inline(
        scale=4,
        border=4,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
        omitsize=True,
    )
    return picture

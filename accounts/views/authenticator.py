"""Setting up an authenticator app."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.forms import CodeForm, PasswordForm
from accounts.models import TOTPFactor, User
from accounts.selectors import find_waiting_factor, list_factors
from accounts.services import factors, sign_in
from accounts.session_keys import ENROLMENT_KEY
from chatsec.core.errors import Invalid, NotFound, TooMany, Unauthenticated

ENROLMENT_SECONDS = 10 * 60


@login_required
@require_http_methods(["GET", "POST"])
def authenticator_page(request: HttpRequest) -> HttpResponse:
    """Enrol the first authenticator app: begin, then prove it with its first code."""
    user = cast("User", request.user)
    if list_factors(user).exists():
        messages.error(request, "An authenticator app is set up already.")
        return redirect("account")
    if request.method == "GET":
        return _authenticator(request, PasswordForm(), None)
    # A new secret is made by a POST only: reading a page changes nothing.
    if "code" not in request.POST:
        return _begin_enrolment(request, user)
    return _finish_enrolment(request, user)


def _begin_enrolment(request: HttpRequest, user: User) -> HttpResponse:
    """Show the secret to whoever knows the password, not to a stolen cookie."""
    form = PasswordForm(request.POST)
    if form.is_valid():
        try:
            sign_in.check_password(
                request, name=user.username, password=form.cleaned_data["password"]
            )
        except Unauthenticated:
            form.add_error("password", "This password is not right.")
        except TooMany as refusal:
            form.add_error("password", refusal.message)
        else:
            request.session[ENROLMENT_KEY] = timezone.now().timestamp()
            return _authenticator(request, CodeForm(), factors.enrol_totp(user))
    return _authenticator(request, form, None)


def _finish_enrolment(request: HttpRequest, user: User) -> HttpResponse:
    begun_at = request.session.get(ENROLMENT_KEY, 0)
    if timezone.now().timestamp() - begun_at > ENROLMENT_SECONDS:
        messages.error(request, "Please begin again: the set-up took too long.")
        return redirect("account-authenticator")
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            factors.confirm_totp(user, form.cleaned_data["code"])
        except (Invalid, NotFound) as refusal:
            form.add_error("code", refusal.message)
        else:
            del request.session[ENROLMENT_KEY]
            messages.success(request, "Your authenticator app is set up.")
            return redirect("account")
    return _authenticator(request, form, find_waiting_factor(user))


def _authenticator(
    request: HttpRequest, form: forms.Form, factor: TOTPFactor | None
) -> HttpResponse:
    shown = {"form": form, "factor": factor}
    status = 400 if form.errors else 200
    return render(request, "accounts/authenticator.html", shown, status=status)

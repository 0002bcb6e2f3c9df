"""Changing a password, and getting a new one by mail."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.errors import LinkExpired
from accounts.forms import ChangePasswordForm, ForgottenForm, ReplacePasswordForm
from accounts.models import AccountToken, User
from accounts.selectors import has_live_keys, has_second_factor
from accounts.services import passwords
from accounts.views.confirm import recent_proof_required, session_of
from accounts.views.form_pages import find_link, link_expired, show_form, token_of
from chatsec.core.errors import DomainError, Invalid, TooMany


@sensitive_post_parameters("current", "password", "again")
@login_required
@require_http_methods(["GET", "POST"])
def change_page(request: HttpRequest) -> HttpResponseBase:
    """Change one's own password; who has a second factor shows it first."""
    if has_second_factor(cast("User", request.user)):
        return recent_proof_required(_change)(request)
    return _change(request)


def _change(request: HttpRequest) -> HttpResponse:
    template = "accounts/password_change.html"
    form = ChangePasswordForm(request.POST or None)
    session = session_of(request)
    shown = {"has_keys": has_live_keys(session.user, now=timezone.now())}
    if request.method == "GET" or not form.is_valid():
        return show_form(request, template, form, shown=shown)
    try:
        passwords.change_password(
            request,
            session,
            current=form.cleaned_data["current"],
            new=form.cleaned_data["password"],
            end_keys=form.cleaned_data["end_keys"],
        )
    except DomainError as refusal:
        return show_form(request, template, form, refusal=_worded(refusal), shown=shown)
    passwords.keep_browser_signed_in(request, session.user)
    messages.success(
        request, "Your password is changed. Every other device is signed out."
    )
    return redirect("account")


def _worded(refusal: DomainError) -> DomainError:
    """Put a wrong password to the field that it was typed into."""
    if refusal.code != "wrong_password":
        return refusal
    return Invalid(refusal.message, fields={"current": [refusal.message]})


@require_http_methods(["GET", "POST"])
def forgotten_page(request: HttpRequest) -> HttpResponse:
    """Ask for a link; the answer is the same whoever it is for."""
    template = "accounts/password_forgotten.html"
    form = ForgottenForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return show_form(request, template, form)
    try:
        passwords.ask_reset(form.cleaned_data["username"])
    except TooMany as refusal:
        return show_form(request, template, form, refusal=refusal)
    return render(request, "accounts/password_asked.html")


@sensitive_post_parameters("token", "password", "again")
@require_http_methods(["GET", "POST"])
def reset_page(request: HttpRequest) -> HttpResponse:
    """Choose a new password by a mailed link."""
    template = "accounts/password_reset.html"
    link = find_link(request, AccountToken.Purpose.RESET)
    if link is None:
        return link_expired(request, "password-forgotten")
    form = ReplacePasswordForm(request.POST or None)
    shown = {
        "token": token_of(request),
        "username": link.user.username,
        "has_keys": has_live_keys(link.user, now=timezone.now()),
    }
    if request.method == "GET" or not form.is_valid():
        return show_form(request, template, form, shown=shown)
    try:
        passwords.reset_password(
            token_of(request),
            form.cleaned_data["password"],
            end_keys=form.cleaned_data["end_keys"],
        )
    except LinkExpired:
        return link_expired(request, "password-forgotten")
    except (Invalid, TooMany) as refusal:
        return show_form(request, template, form, refusal=refusal, shown=shown)
    messages.success(request, "Your new password is set. Please sign in with it.")
    return redirect("sign-in")

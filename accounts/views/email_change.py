"""Changing one's own e-mail address."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.errors import LinkExpired
from accounts.forms import EmailForm
from accounts.models import AccountToken
from accounts.services import email_change
from accounts.views.confirm import recent_proof_required, session_of
from accounts.views.form_pages import find_link, link_expired, show_form, token_of
from chatsec.core.errors import Conflict, Invalid, TooMany


@recent_proof_required
@require_http_methods(["GET", "POST"])
def email_page(request: HttpRequest) -> HttpResponse:
    """Ask for the new address; it counts once its link is followed."""
    template = "accounts/email_change.html"
    session = session_of(request)
    form = EmailForm(request.POST or None)
    shown = {"email": session.user.email}
    if request.method == "GET" or not form.is_valid():
        return show_form(request, template, form, shown=shown)
    try:
        email_change.ask_email_change(session, form.cleaned_data["email"])
    except (Invalid, TooMany) as refusal:
        return show_form(request, template, form, refusal=refusal, shown=shown)
    messages.success(
        request, "A link was mailed to the new address. Please follow it from there."
    )
    return redirect("account")


@login_required
@require_http_methods(["GET", "POST"])
def confirm_page(request: HttpRequest) -> HttpResponse:
    """Use the new address, in a session of the account that it is for."""
    template = "accounts/email_confirm.html"
    session = session_of(request)
    link = find_link(request, AccountToken.Purpose.EMAIL_CHANGE)
    if link is None or link.user_id != session.user_id:
        return link_expired(request, "account-email")
    form = forms.Form(request.POST or None)
    shown = {"token": token_of(request), "email": link.email}
    if request.method == "GET":
        return show_form(request, template, form, shown=shown)
    try:
        email_change.confirm_email_change(session, token_of(request))
    except LinkExpired:
        return link_expired(request, "account-email")
    except (Conflict, TooMany) as refusal:
        return show_form(request, template, form, refusal=refusal, shown=shown)
    messages.success(request, "Your e-mail address is changed.")
    return redirect("account")

"""Pages with one form: shown, and shown again with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import AccountToken
from accounts.services import account_tokens
from chatsec.core.errors import DomainError, TooMany

MAX_TOKEN_LENGTH = 256


def show_form(
    request: HttpRequest,
    template: str,
    form: forms.Form,
    *,
    refusal: DomainError | None = None,
    shown: Mapping[str, object] | None = None,
) -> HttpResponse:
    """Show the form; a refusal is put to its fields, and 429 says how long to wait."""
    if refusal is not None:
        _put(refusal, form)
    status = 400 if form.errors else 200
    if isinstance(refusal, TooMany):
        status = 429
    page = render(request, template, {**(shown or {}), "form": form}, status=status)
    if isinstance(refusal, TooMany):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    if token_of(request):
        # Not "no-referrer": forms would come from the origin "null" and be refused.
        page["Referrer-Policy"] = "strict-origin"
    return page


def link_expired(request: HttpRequest, ask_again: str) -> HttpResponse:
    """Say that a link is no good, and where to get another; nothing tells why."""
    shown = {"ask_again": ask_again}
    return render(request, "accounts/link_expired.html", shown, status=400)


def token_of(request: HttpRequest) -> str:
    """Return the single-use token that the address or the form carries."""
    given = request.POST.get("token") or request.GET.get("token") or ""
    return given[:MAX_TOKEN_LENGTH]


def find_link(
    request: HttpRequest, purpose: AccountToken.Purpose
) -> AccountToken | None:
    """Return the link of the request while it is good; looking changes nothing."""
    raw = token_of(request)
    return account_tokens.find(raw, purpose) if raw else None


def _put(refusal: DomainError, form: forms.Form) -> None:
    for name, texts in refusal.fields.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
    if not refusal.fields:
        form.add_error(None, refusal.message)

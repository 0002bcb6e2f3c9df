"""One's own API keys: looking, making, ending."""

from __future__ import annotations

from typing import cast
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

from accounts.key_forms import KeyForm, show_refusal
from accounts.models import User
from accounts.selectors import list_api_keys
from accounts.services import api_keys
from accounts.views.confirm import recent_proof_required, session_of
from chatsec.core.errors import DomainError, NotFound

SHOWN_KEYS = 50


@login_required
@require_GET
def keys_page(request: HttpRequest) -> HttpResponse:
    """Show the signed-in person's own keys, ended ones too."""
    keys = list_api_keys(cast("User", request.user))[:SHOWN_KEYS]
    return render(request, "accounts/api_keys.html", {"keys": keys})


@recent_proof_required
@require_http_methods(["GET", "POST"])
def new_key_page(request: HttpRequest) -> HttpResponse:
    """Make a key, and show it once: the page is stored nowhere and not kept."""
    user = cast("User", request.user)
    form = KeyForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = api_keys.make_own_key(session_of(request), form.terms())
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            return render(request, "accounts/api_key_made.html", {"made": made})
    status = 400 if form.errors else 200
    return render(request, "accounts/api_key_new.html", {"form": form}, status=status)


@login_required
@require_POST
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """End one of the person's own keys."""
    try:
        api_keys.revoke_own_key(cast("User", request.user), key_id)
    except NotFound:
        messages.error(request, "That key does not work any more already.")
    else:
        messages.success(request, "The key is revoked.")
    return redirect("account-api-keys")

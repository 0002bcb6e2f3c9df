"""My security: one's own devices and factors."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.selectors import list_live_sessions
from accounts.services import sessions
from accounts.views.factors import shown_factors
from chatsec.core.context import current_actor
from chatsec.core.errors import NotFound


@login_required
@require_GET
def account_page(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's own devices and factors."""
    user = cast("User", request.user)
    shown = {
        "sessions": list_live_sessions(user, now=timezone.now()),
        "current_session_id": current_actor().session_id,
        **shown_factors(user),
    }
    return render(request, "accounts/account.html", shown)


@login_required
@require_POST
def revoke_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Sign one of the user's own devices out."""
    try:
        sessions.revoke_own_session(cast("User", request.user), session_id)
    except NotFound:
        messages.error(request, "That device is signed out already.")
    else:
        messages.success(request, "The device is signed out.")
    return redirect("account")

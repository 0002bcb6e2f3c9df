"""My security: one's own devices, recent activity, and how one signs in."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.selectors import (
    list_connected_apps,
    list_live_devices,
    list_recent_notices,
)
from accounts.services import notices, sessions
from accounts.views.factors import shown_factors
from chatsec.core.context import current_actor
from chatsec.core.errors import Invalid, NotFound

SHOWN_NOTICES = 20


@login_required
@require_safe
def account_page(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's own devices, activity and factors."""
    user = cast("User", request.user)
    now = timezone.now()
    activity = list(list_recent_notices(user, now=now)[:SHOWN_NOTICES])
    shown = {
        "sessions": list_live_devices(user, now=now),
        "apps": list_connected_apps(user, now=now),
        "current_session_id": current_actor().session_id,
        "activity": activity,
        "news": sum(each.seen_at is None for each in activity),
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
        messages.error(request, _("That device is signed out already."))
    else:
        messages.success(request, _("The device is signed out."))
    return redirect("account")


@login_required
@require_POST
def revoke_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign the user out everywhere but here."""
    user = cast("User", request.user)
    ended = sessions.revoke_other_sessions(user, keep=current_actor().session_id)
    told = ngettext("One device is signed out.", "%(n)s devices are signed out.", ended)
    messages.success(request, told % {"n": ended})
    return redirect("account")


@login_required
@require_POST
def rename_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Call one of the user's own devices something else."""
    name = request.POST.get("name", "")
    try:
        sessions.rename_session(cast("User", request.user), session_id, name)
    except (Invalid, NotFound) as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The name is saved."))
    return redirect("account")


@login_required
@require_POST
def see_notices(request: HttpRequest) -> HttpResponse:
    """Note that the user has seen what happened to his account."""
    notices.mark_seen(cast("User", request.user))
    return redirect("account")

"""Signing in by an identity provider, and linking one's identity there."""

from __future__ import annotations

from typing import assert_never
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts.errors import ProviderRequestOver
from accounts.models import AccountToken, ExternalIdentity, IdentityProvider
from accounts.selectors import find_provider
from accounts.services import (
    identities,
    provider_logout,
    provider_sign_in,
    sign_in,
)
from accounts.services.passwords import check_link
from accounts.services.provider_sign_in import Arrival, Errand, Purpose
from accounts.views.confirm import recent_proof_required, session_of
from accounts.views.navigation import next_page
from accounts.views.sign_in import ask_for_code
from chatsec.core.api import status_of
from chatsec.core.errors import (
    Conflict,
    DomainError,
    NotFound,
    TooMany,
    Unauthenticated,
)

# What a provider may send back (RFC 6749 section 4.1.2, RFC 9207).
PARAMETERS = ("state", "code", "iss", "error")


def _provider(slug: str) -> IdentityProvider:
    found = find_provider(slug)
    if found is None:
        raise NotFound("There is no such identity provider.")
    return found


@require_POST
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the provider to sign in there."""
    errand = Errand(
        Purpose.SIGN_IN,
        next_page(request),
        own_factor=request.POST.get("factor") == "required",
        fresh=request.POST.get("fresh") == "required",
    )
    return _leave(request, _provider(slug), errand)


@sensitive_post_parameters("token")
@require_POST
def accept(request: HttpRequest, slug: str) -> HttpResponse:
    """Send who was invited to the provider, to come in by it instead of a password."""
    raw = request.POST.get("token", "")
    try:
        check_link(raw, AccountToken.Purpose.INVITATION)
    except DomainError as refusal:
        return _refused(request, refusal)
    errand = Errand(Purpose.INVITATION, resolve_url("account"), invitation=raw)
    return _leave(request, _provider(slug), errand)


@recent_proof_required
@require_POST
def link(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the provider to link the identity there."""
    errand = Errand(Purpose.LINK, resolve_url("account"), session_of(request))
    return _leave(request, _provider(slug), errand)


@login_required
@require_POST
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the provider to sign in there again, as fresh proof."""
    session = session_of(request)
    errand = Errand(Purpose.CONFIRM, next_page(request), session, fresh=True)
    return _leave(request, _provider(slug), errand)


def _leave(
    request: HttpRequest, provider: IdentityProvider, errand: Errand
) -> HttpResponse:
    """Show a page that goes on by itself.

    A redirect would not do: the content security policy lets forms of this site lead
    to this site only, and browsers hold redirects after a form to it as well.
    """
    try:
        url = provider_sign_in.send_to_provider(request, provider, errand)
    except DomainError as refusal:
        return _refused(request, refusal)
    shown = {"provider": provider, "url": url}
    return render(request, "accounts/provider_leave.html", shown)


@require_GET
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the browser back from the provider, and carry out what it was sent for."""
    given = {name: request.GET.getlist(name) for name in PARAMETERS}
    try:
        if any(len(values) > 1 for values in given.values()):
            raise ProviderRequestOver
        answer = {name: values[0] for name, values in given.items() if values}
        arrival = provider_sign_in.take_answer(request, _provider(slug), answer)
        return _arrived(request, arrival)
    except DomainError as refusal:
        return _refused(request, refusal)


def _arrived(request: HttpRequest, arrival: Arrival) -> HttpResponse:
    next_url = arrival.errand.next_page
    match arrival.outcome:
        case sign_in.Proven() as proven:
            sign_in.open_browser_session(request, proven)
        case sign_in.CodeNeeded() as needed:
            return ask_for_code(request, needed, next_url=next_url)
        case ExternalIdentity() as identity:
            messages.success(request, f"{identity.where} is linked to your account.")
        case None:
            sign_in.step_up_browser_session(request, None)
        case _ as unreachable:
            assert_never(unreachable)
    return redirect(next_url)


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Say what went wrong and how to go on; 429 and 503 say when."""
    status = status_of(refusal)
    page = render(
        request,
        "accounts/provider_refused.html",
        {"message": refusal.message},
        status=status,
    )
    if isinstance(refusal, TooMany):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page


@recent_proof_required
@require_POST
def unlink(request: HttpRequest, identity_id: UUID) -> HttpResponse:
    """Unlink one of the user's own identities."""
    try:
        identities.unlink_identity(session_of(request), identity_id)
    except (NotFound, Conflict) as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "The identity is unlinked.")
    return redirect("account")


@csrf_exempt  # the provider's server calls, with a signed token and no cookie
@require_POST
def back_channel_logout(request: HttpRequest, slug: str) -> HttpResponse:
    """End what the provider signed in (OpenID Connect Back-Channel Logout 1.0)."""
    try:
        provider_logout.take_logout(
            _provider(slug), request.POST.get("logout_token", "")
        )
    except (NotFound, Unauthenticated):
        # Section 2.8: a token that is not good is a bad request.
        return JsonResponse({"error": "invalid_request"}, status=400)
    return HttpResponse(status=200)

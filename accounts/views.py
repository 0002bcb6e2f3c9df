"""Pages for signing in and out, and for one's own devices and factors."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from accounts import access_tokens
from accounts.errors import ChallengeExpired
from accounts.forms import CodeForm, PasswordForm, SignInForm
from accounts.models import TOTPFactor, User
from accounts.selectors import find_waiting_factor, list_factors, list_live_sessions
from accounts.services import factors, sessions, sign_in
from accounts.session_keys import CHALLENGE_KEY, ENROLMENT_KEY
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError, Invalid, NotFound, TooMany, Unauthenticated

KEYS_MAX_AGE_SECONDS = 300
ENROLMENT_SECONDS = 10 * 60


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; open the session, or ask for the code next."""
    # Whom the admin site sent back is signed in, but not as it wants: no going round.
    sent_back = request.GET.get("factor") == "required"
    if request.method == "GET" and request.user.is_authenticated and not sent_back:
        return redirect(_next(request))
    form = SignInForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _form_page(request, "accounts/sign_in.html", form)
    try:
        outcome = sign_in.check_password(
            request,
            name=form.cleaned_data["username"],
            password=form.cleaned_data["password"],
        )
    except (Unauthenticated, TooMany) as refusal:
        return _form_page(request, "accounts/sign_in.html", form, refusal)
    if isinstance(outcome, sign_in.CodeNeeded):
        return _ask_for_code(request, outcome)
    sign_in.open_browser_session(request, outcome)
    return redirect(_next(request))


def _ask_for_code(request: HttpRequest, outcome: sign_in.CodeNeeded) -> HttpResponse:
    # Nobody is signed in yet: the cookie only remembers which challenge is open.
    sign_in.end_browser_session(request)
    request.session[CHALLENGE_KEY] = str(outcome.challenge.id)
    request.session.cycle_key()
    return redirect(f"{resolve_url('sign-in-code')}?{_next_query(request)}")


@require_http_methods(["GET", "POST"])
def code_page(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of the sign-in that this browser began."""
    challenge_id = request.session.get(CHALLENGE_KEY)
    if challenge_id is None:
        return redirect(f"{resolve_url('sign-in')}?{_next_query(request)}")
    form = CodeForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _form_page(request, "accounts/sign_in_code.html", form)
    try:
        proven = sign_in.check_code(challenge_id, form.cleaned_data["code"])
    except (ChallengeExpired, NotFound):
        del request.session[CHALLENGE_KEY]
        messages.error(request, "That took too long. Please sign in again.")
        return redirect(f"{resolve_url('sign-in')}?{_next_query(request)}")
    except (Unauthenticated, TooMany) as refusal:
        return _form_page(request, "accounts/sign_in_code.html", form, refusal)
    del request.session[CHALLENGE_KEY]
    sign_in.open_browser_session(request, proven)
    return redirect(_next(request))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this browser's session everywhere it is known."""
    sign_in.end_browser_session(request)
    return redirect("sign-in")


@login_required
@require_GET
def account_page(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's own devices and factors."""
    user = cast("User", request.user)
    shown = {
        "sessions": list_live_sessions(user, now=timezone.now()),
        "current_session_id": current_actor().session_id,
        "factors": list_factors(user),
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


@require_GET
def key_set(request: HttpRequest) -> JsonResponse:
    """Publish the public keys of access tokens (RFC 7517)."""
    answer = JsonResponse(access_tokens.public_keys())
    answer["Cache-Control"] = f"public, max-age={KEYS_MAX_AGE_SECONDS}"
    return answer


def _form_page(
    request: HttpRequest,
    template: str,
    form: forms.Form,
    refusal: DomainError | None = None,
) -> HttpResponse:
    """Show the form again with what is wrong; 429 says how long to wait."""
    status = 200 if not form.errors else 400
    if refusal is not None:
        form.add_error("code" if "code" in form.fields else None, refusal.message)
        status = 429 if isinstance(refusal, TooMany) else 400
    shown = {
        "form": form,
        "next": _next(request),
        "factor_required": request.GET.get("factor") == "required",
    }
    page = render(request, template, shown, status=status)
    if isinstance(refusal, TooMany):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page


def _next(request: HttpRequest) -> str:
    """Return where to go afterwards: a path of this site, or the start page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=None, require_https=request.is_secure()
    )
    return wanted if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)


def _next_query(request: HttpRequest) -> str:
    return urlencode({"next": _next(request)})

"""Pages for signing in and out."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import ChallengeExpired
from accounts.forms import CodeForm, SignInForm
from accounts.services import passkey_sign_in, sign_in
from accounts.session_keys import CHALLENGE_KEY
from accounts.views.navigation import next_page, next_query
from chatsec.core.errors import DomainError, NotFound, TooMany, Unauthenticated


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; open the session, or ask for the code next."""
    # Who was sent here is signed in, but not as the admin site wants, or not as lately
    # as an app wants: no going round.
    sent_back = "required" in (request.GET.get("factor"), request.GET.get("fresh"))
    if request.method == "GET" and request.user.is_authenticated and not sent_back:
        return redirect(next_page(request))
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
        return ask_for_code(request, outcome, next_url=next_page(request))
    sign_in.open_browser_session(request, outcome)
    return redirect(next_page(request))


def ask_for_code(
    request: HttpRequest, outcome: sign_in.CodeNeeded, *, next_url: str
) -> HttpResponse:
    """Remember the challenge that is open, and go to where the code is asked for."""
    # Nobody is signed in yet: the cookie only remembers which challenge is open.
    sign_in.end_browser_session(request)
    request.session[CHALLENGE_KEY] = str(outcome.challenge.id)
    request.session.cycle_key()
    return redirect(f"{resolve_url('sign-in-code')}?{urlencode({'next': next_url})}")


@require_http_methods(["GET", "POST"])
def code_page(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of the sign-in that this browser began."""
    challenge_id = request.session.get(CHALLENGE_KEY)
    if challenge_id is None:
        return redirect(f"{resolve_url('sign-in')}?{next_query(request)}")
    form = CodeForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _form_page(request, "accounts/sign_in_code.html", form)
    try:
        proven = sign_in.check_code(challenge_id, form.cleaned_data["code"])
    except (ChallengeExpired, NotFound):
        del request.session[CHALLENGE_KEY]
        messages.error(request, "That took too long. Please sign in again.")
        return redirect(f"{resolve_url('sign-in')}?{next_query(request)}")
    except (Unauthenticated, TooMany) as refusal:
        return _form_page(request, "accounts/sign_in_code.html", form, refusal)
    del request.session[CHALLENGE_KEY]
    sign_in.open_browser_session(request, proven)
    return redirect(next_page(request))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this browser's session everywhere it is known."""
    sign_in.end_browser_session(request)
    page = redirect("sign-in")
    # Not "cookies": the device stays known, and the session's cookie is gone anyway.
    page["Clear-Site-Data"] = '"cache", "storage"'
    return page


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
        "next": next_page(request),
        "factor_required": request.GET.get("factor") == "required",
        **_passkey_question(request, has_password="code" in form.fields),
    }
    page = render(request, template, shown, status=status)
    if isinstance(refusal, TooMany):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page


def _passkey_question(request: HttpRequest, *, has_password: bool) -> dict[str, object]:
    """Return what a passkey is asked on this page: alone, or after the password."""
    if not has_password:
        ticket, options = passkey_sign_in.ask()
        return {"passkey_ticket": ticket, "passkey_options": options}
    challenge_id = request.session.get(CHALLENGE_KEY, "")
    try:
        return dict(sign_in.ask_second_factor(challenge_id))
    except NotFound:
        return {"methods": []}

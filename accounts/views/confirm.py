"""Proving once more who one is, on the way to changing how one signs in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.errors import ProofNeeded
from accounts.forms import CodeForm, PasswordForm
from accounts.models import AuthSession
from accounts.selectors import has_second_factor
from accounts.services import proof, sign_in
from accounts.views.navigation import next_page
from chatsec.core.errors import DomainError, TooMany, Unauthenticated

Given = ParamSpec("Given")
Page = Callable[Concatenate[HttpRequest, Given], HttpResponseBase]


def session_of(request: HttpRequest) -> AuthSession:
    """Return the signed-in browser's session; raise Unauthenticated for nobody."""
    session = getattr(request.session, "auth_session", None)
    if not request.user.is_authenticated or session is None:
        raise Unauthenticated("Please sign in first.")
    return cast("AuthSession", session)


def recent_proof_required(page: Page[Given]) -> Page[Given]:
    """Send whoever has not proved himself just now to do so, and back here.

    A form that was sent too late comes back to the page that it was on: nothing is
    lost but the click.
    """

    @login_required
    @wraps(page)
    def guarded(
        request: HttpRequest, /, *args: Given.args, **kwargs: Given.kwargs
    ) -> HttpResponseBase:
        try:
            proof.require_recent(session_of(request))
        except ProofNeeded:
            return to_confirm(request, come_back_to=_way_back(request))
        return page(request, *args, **kwargs)

    return cast("Page[Given]", guarded)


def to_confirm(request: HttpRequest, *, come_back_to: str) -> HttpResponse:
    """Send the browser to prove who sits there, and back to that path of ours."""
    query = urlencode({"next": come_back_to})
    return redirect(f"{resolve_url('account-confirm')}?{query}")


def _way_back(request: HttpRequest) -> str:
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    parts = urlsplit(came_from)
    if not ours or not parts.path.startswith("/"):
        return resolve_url("account")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@sensitive_post_parameters("password", "code")
@login_required
@require_http_methods(["GET", "POST"])
def confirm_page(request: HttpRequest) -> HttpResponseBase:
    """Ask for a code, or for the password where there is no second factor."""
    session = session_of(request)
    if request.method == "GET" and proof.is_recent(session, now=timezone.now()):
        return redirect(next_page(request))
    kind = CodeForm if has_second_factor(session.user) else PasswordForm
    form = kind(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _shown(request, form)
    try:
        _confirm(request, session, form)
    except ProofNeeded:
        return redirect(request.get_full_path())  # a factor was set up meanwhile
    except DomainError as refusal:
        return _shown(request, form, refusal)
    return redirect(next_page(request))


def _confirm(
    request: HttpRequest, session: AuthSession, form: CodeForm | PasswordForm
) -> None:
    if isinstance(form, CodeForm):
        answered = proof.confirm_code(session, form.cleaned_data["code"])
        sign_in.step_up_browser_session(request, answered.factor)
        return
    proof.confirm_password(request, session, form.cleaned_data["password"])
    sign_in.step_up_browser_session(request, None)


def _shown(
    request: HttpRequest,
    form: CodeForm | PasswordForm,
    refusal: DomainError | None = None,
) -> HttpResponse:
    status = 400 if form.errors else 200
    if refusal is not None:
        form.add_error(next(iter(form.fields)), refusal.message)
        status = 429 if isinstance(refusal, TooMany) else 400
    shown = {
        "form": form,
        "next": next_page(request),
        "methods": proof.proof_methods(session_of(request).user),
    }
    page = render(request, "accounts/confirm.html", shown, status=status)
    if isinstance(refusal, TooMany):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page

"""The page "My privacy"."""

from __future__ import annotations

from itertools import groupby
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import AccountLocked, Busy
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError, NotFound, TooMany, Unauthenticated
from privacy import selectors
from privacy.downloads import zip_response
from privacy.errors import ReauthenticationRequired
from privacy.forms import ConsentForm, OpenRequestForm
from privacy.models import RequestKind, SubjectRequest
from privacy.services import consent, downloads, requests
from privacy.tasks import enqueue

REFRESH_SECONDS = 5
SHOWN_REQUESTS = 20


@login_required
@never_cache
@require_safe
def privacy_page(request: HttpRequest) -> HttpResponse:
    """Show what is held on the visitor, and what he can do about it."""
    page = _page(request, OpenRequestForm())
    if selectors.list_automatic_requests().filter(subject_id=_own_id()).exists():
        # The page shows progress without a script.
        page["Refresh"] = str(REFRESH_SECONDS)
    return page


@login_required
@require_POST
def set_consent(request: HttpRequest, purpose: str) -> HttpResponse:
    """Switch one consent; both directions are one press of one button."""
    form = ConsentForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Please choose yes or no.")
        return redirect("privacy")
    is_yes = form.cleaned_data["granted"] == "yes"
    say = consent.give_consent if is_yes else consent.withdraw_consent
    try:
        say(current_actor(), purpose=purpose)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "Saved. It counts from now on.")
    return redirect("privacy")


@sensitive_post_parameters("password")
@login_required
@require_POST
def open_request(request: HttpRequest) -> HttpResponse:
    """Open a request, or ask for the password first."""
    form = OpenRequestForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        # In no transaction: a wrong password must stay counted when this is refused.
        opened = requests.open_request(
            current_actor(),
            form.cleaned_data["kind"],
            password=form.cleaned_data["password"] or None,
        )
        enqueue(opened)
    except ReauthenticationRequired as refusal:
        return _ask_for_password(request, form, refusal)
    except (AccountLocked, Busy) as refusal:
        page = _ask_for_password(request, form, refusal, status=429)
        page["Retry-After"] = str(refusal.retry_after_seconds)
        return page
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        status = 429 if isinstance(refusal, TooMany) else 409
        return _page(request, form, status=status)
    messages.success(request, "We have your request.")
    return redirect("privacy")


@login_required
@require_POST
def cancel_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take one of the visitor's own requests back."""
    try:
        requests.cancel_request(current_actor(), request_id)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "The request is cancelled.")
    return redirect("privacy")


@login_required
@require_POST  # it uses one of the downloads up, so no link and no look may
def download(request: HttpRequest, request_id: UUID) -> HttpResponseBase:
    """Send the visitor's own export."""
    try:
        return zip_response(downloads.start_download(current_actor(), request_id))
    except DomainError as refusal:
        messages.error(request, refusal.message)
        missing = isinstance(refusal, NotFound)
        return _page(request, OpenRequestForm(), status=404 if missing else 409)


@require_safe
def notice_page(request: HttpRequest) -> HttpResponse:
    """Show the privacy notice, to anybody."""
    return render(request, "privacy/notice.html", {"notice": selectors.get_notice()})


def _ask_for_password(
    request: HttpRequest,
    form: OpenRequestForm,
    refusal: DomainError,
    *,
    status: int = 403,
) -> HttpResponse:
    form.add_error("password", refusal.message)
    kind = form.cleaned_data.get("kind") or form.data["kind"]
    shown = {"form": form, "kind": kind, "label": RequestKind(kind).label}
    return render(request, "privacy/confirm.html", shown, status=status)


def _page(
    request: HttpRequest, form: OpenRequestForm, *, status: int = 200
) -> HttpResponse:
    own_id = _own_id()
    shown = {
        "form": form,
        "consents": selectors.list_consents(own_id),
        "parts": _parts(),
        "requests": [_shown(row) for row in _own_requests()],
        "notice": selectors.get_notice(),
    }
    return render(request, "privacy/privacy.html", shown, status=status)


def _own_id() -> UUID:
    own_id = current_actor().id
    if own_id is None:
        raise Unauthenticated
    return own_id


def _own_requests() -> list[SubjectRequest]:
    rows = selectors.list_requests(current_actor())
    return list(rows.order_by("-id")[:SHOWN_REQUESTS])


def _shown(row: SubjectRequest) -> dict[str, object]:
    return {
        "row": row,
        "progress": selectors.progress_percent(row),
        "download": selectors.find_downloadable(row),
    }


def _parts() -> list[dict[str, object]]:
    return [
        {"title": part.replace("_", " ").capitalize(), "holdings": list(held)}
        for part, held in groupby(selectors.list_holdings(), key=lambda each: each.part)
    ]

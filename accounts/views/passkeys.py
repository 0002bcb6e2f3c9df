"""Passkeys in the browser: setting one up, confirming and signing in with one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import FactorNameForm, NewPasskeyForm, PasskeyForm, TicketForm
from accounts.services import enrolment, passkey_sign_in, proof, sign_in
from accounts.services.passkeys import Answer
from accounts.session_keys import CHALLENGE_KEY
from accounts.views.confirm import recent_proof_required, session_of
from accounts.views.factors import show_enrolled
from accounts.views.navigation import next_page, next_query
from chatsec.core.errors import DomainError

UNREADABLE = "That did not work. Please try again."


@recent_proof_required
@require_http_methods(["GET", "POST"])
def passkey_page(request: HttpRequest) -> HttpResponse:
    """Set a passkey up: the browser makes it, we keep its public half."""
    if request.method == "GET":
        return render(request, "accounts/passkey.html", {"form": FactorNameForm()})
    form = NewPasskeyForm(request.POST)
    if not form.is_valid():
        messages.error(request, UNREADABLE)
        return redirect("account-passkey")
    given = form.cleaned_data
    try:
        enrolled = enrolment.finish_passkey(
            session_of(request),
            given["question_id"],
            given["passkey"],
            name=given["name"],
        )
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("account-passkey")
    return show_enrolled(request, enrolled)


@recent_proof_required
@require_POST
def ask_new_passkey(request: HttpRequest) -> HttpResponse:
    """Return what the browser is asked to make, for the script of the page."""
    asked = enrolment.begin_passkey(session_of(request))
    return _question(asked.question_id, asked.options)


@login_required
@require_POST
def ask_to_confirm(request: HttpRequest) -> HttpResponse:
    """Return what a passkey is asked to sign, for the script of the page."""
    return _question(*proof.ask_for_passkey(session_of(request)))


def _question(question_id: UUID, options: Answer) -> HttpResponse:
    answer = JsonResponse({"question_id": str(question_id), "options": options})
    answer["Cache-Control"] = "no-store"
    return answer


@login_required
@require_POST
def confirm_with_passkey(request: HttpRequest) -> HttpResponseBase:
    """Take a passkey's answer as fresh proof, and go on."""
    form = PasskeyForm(request.POST)
    try:
        if not form.is_valid():
            return _again(request, "account-confirm", UNREADABLE)
        answered = proof.confirm_passkey(
            session_of(request),
            form.cleaned_data["question_id"],
            form.cleaned_data["passkey"],
        )
    except DomainError as refusal:
        return _again(request, "account-confirm", refusal.message)
    sign_in.step_up_browser_session(request, answered.factor)
    return redirect(next_page(request))


@require_POST
def sign_in_with_passkey(request: HttpRequest) -> HttpResponse:
    """Sign in with nothing but a passkey whose device knows its owner."""
    form = TicketForm(request.POST)
    if not form.is_valid():
        return _again(request, "sign-in", UNREADABLE)
    try:
        proven = passkey_sign_in.check(
            form.cleaned_data["ticket"], form.cleaned_data["passkey"]
        )
        sign_in.open_browser_session(request, proven)
    except DomainError as refusal:
        return _again(request, "sign-in", refusal.message)
    return redirect(next_page(request))


@require_POST
def finish_with_passkey(request: HttpRequest) -> HttpResponse:
    """Take a passkey as the second factor of the sign-in that this browser began."""
    challenge_id = request.session.get(CHALLENGE_KEY)
    if challenge_id is None:
        return _again(request, "sign-in", "Please sign in again.")
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        return _again(request, "sign-in-code", UNREADABLE)
    try:
        proven = sign_in.check_second_passkey(
            challenge_id, form.cleaned_data["passkey"]
        )
        sign_in.open_browser_session(request, proven)
    except DomainError as refusal:
        return _again(request, "sign-in-code", refusal.message)
    return redirect(next_page(request))


def _again(request: HttpRequest, page: str, message: str) -> HttpResponse:
    messages.error(request, message)
    return redirect(f"{resolve_url(page)}?{next_query(request)}")

"""Giving a role to one person or many, and taking it back."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from accounts.models import User
from chatsec.core.admin_pages import guarded, render, show_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError
from rbac import selectors
from rbac.constants import MANAGE_ROLES
from rbac.models import Assignment
from rbac.pages.assignment_forms import GiveForm, GiveManyForm, TakeBackForm
from rbac.pages.until import worded
from rbac.services import assign_role, revoke_assignment
from rbac.services.bulk import BulkOutcome, assign_role_to_many

# What the services call it -> where the form asks for it.
PLACES = {
    "valid_until": "on",
    "already_assigned": "role",
    "exceeds_own_permissions": "role",
    "not_found": "role",
}


@guarded(MANAGE_ROLES)
def give(request: HttpRequest) -> HttpResponseBase:
    """Give one person a role."""
    chosen = {name: request.GET.get(name, "") for name in ("user", "role")}
    form = GiveForm(request.POST or None, initial=chosen)
    if request.method == "POST" and form.is_valid():
        user = form.cleaned_data["user"]
        try:
            row = assign_role(current_actor(), user=user, **form.terms())
        except DomainError as refusal:
            show_refusal(form, refusal, fields=PLACES)
        else:
            messages.success(request, _given_text(row))
            return HttpResponseRedirect(_page_of(request, user))
    return render(request, "rbac/give.html", "Give a role", {"form": form})


@guarded(MANAGE_ROLES)
def give_many(request: HttpRequest) -> HttpResponseBase:
    """Show what giving a role to the chosen people would do, then do it."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("admin:accounts_user_changelist"))
    form = GiveManyForm(request.POST)
    outcome = None
    if form.is_valid():
        mode = "give" if "give" in request.POST else "preview"
        try:
            outcome = assign_role_to_many(
                current_actor(),
                users=form.cleaned_data["users"],
                mode=mode,  # type: ignore[arg-type]
                **form.terms(),
            )
        except DomainError as refusal:
            show_refusal(form, refusal, fields=PLACES)
        else:
            if mode == "give":
                _report(request, outcome)
                return HttpResponseRedirect(reverse("admin:accounts_user_changelist"))
    people = form.cleaned_data.get("users", [])
    return _many_page(request, form, people=people, outcome=outcome)


def ask_for_many(request: HttpRequest, chosen: Iterable[User]) -> HttpResponseBase:
    """Return the page that asks which role the chosen people shall have."""
    people = list(chosen)
    ids = ",".join(str(user.id) for user in people)
    form = GiveManyForm(initial={"users": ids})
    return _many_page(request, form, people=people, outcome=None)


def _many_page(
    request: HttpRequest,
    form: GiveManyForm,
    *,
    people: list[User],
    outcome: BulkOutcome | None,
) -> HttpResponseBase:
    context = {"form": form, "people": people, "outcome": outcome}
    return render(request, "rbac/give_many.html", "Give a role to many", context)


@guarded(MANAGE_ROLES)
def take_back(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """End an assignment, with the reason."""
    row = selectors.list_assignments().filter(pk=pk, revoked_at__isnull=True).first()
    if row is None:
        raise Http404
    form = TakeBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            revoke_assignment(current_actor(), assignment=row, reason=reason)
        except DomainError as refusal:
            show_refusal(form, refusal, fields={})
        else:
            messages.success(
                request, f"{row.role} taken back from {row.user.username}."
            )
            return HttpResponseRedirect(_page_of(request, row.user))
    context = {"form": form, "assignment": row}
    return render(request, "rbac/take_back.html", f"Take back {row.role}", context)


def _page_of(request: HttpRequest, user: User) -> str:
    """Return the person's page for who may open it, else the list of assignments."""
    if request.user.has_perm("accounts.view_user"):
        return reverse("admin:accounts_user_change", args=[user.pk])
    return reverse("admin:rbac_assignment_changelist")


def _given_text(row: Assignment) -> str:
    text = f"{row.role} given to {row.user.username}"
    if row.valid_until is None:
        return f"{text}, without end."
    return f"{text} until {worded(row.valid_until)}."


def _report(request: HttpRequest, outcome: BulkOutcome) -> None:
    if outcome.given:
        names = ", ".join(row.user.username for row in outcome.given)
        text = f"{outcome.given[0].role} given to {len(outcome.given)}: {names}."
        messages.success(request, text)
    for refused in outcome.refused:
        messages.error(request, f"Not given to {refused.user.username}: {refused.text}")

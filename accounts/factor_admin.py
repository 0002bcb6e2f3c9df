"""Second factors in the admin site: who has which, and starting anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.constants import MAX_REASON
from accounts.errors import ProofNeeded
from accounts.models import AuthSession, Passkey, RecoverySheet, TOTPFactor, User
from accounts.services import api_keys, factors, proof
from accounts.views.confirm import to_confirm
from chatsec.core.admin_pages import tell_refusal
from chatsec.core.errors import Denied, DomainError

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    UserPages = admin.ModelAdmin[User]
    TOTPPages = admin.ModelAdmin[TOTPFactor]
    PasskeyPages = admin.ModelAdmin[Passkey]
    RecoveryPages = admin.ModelAdmin[RecoverySheet]
else:
    UserPages = TOTPPages = PasskeyPages = RecoveryPages = admin.ModelAdmin


class ReasonForm(forms.Form):
    """Why somebody's factors are taken away."""

    reason = forms.CharField(
        max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )
    end_keys = forms.BooleanField(
        required=False,
        label="End their API keys too",
        help_text="No factor opens a key. End them if somebody else may have been in.",
    )


@admin.action(description="Reset second factors", permissions=["change"])
def reset_factors(
    site: UserPages, request: HttpRequest, chosen: QuerySet[User]
) -> HttpResponse | None:
    """Ask why, then take every factor of the chosen people away."""
    try:
        proof.require_recent(_session_of(request))
    except ProofNeeded:
        return to_confirm(request, come_back_to=request.get_full_path())
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        _reset_each(site, request, chosen, form)
        return None
    shown = {
        **site.admin_site.each_context(request),
        "title": "Reset second factors",
        "chosen": chosen,
        "form": form,
        "opts": site.model._meta,  # noqa: SLF001 - Django's documented API
    }
    template = "admin/accounts/user/reset_factors.html"
    return TemplateResponse(request, template, shown)


def _session_of(request: HttpRequest) -> AuthSession:
    session = getattr(request.session, "auth_session", None)
    if not isinstance(session, AuthSession):
        raise Denied("Only somebody who signed in can do this.")
    return session


def _reset_each(
    site: UserPages, request: HttpRequest, chosen: QuerySet[User], form: ReasonForm
) -> None:
    for user in chosen:
        try:
            with transaction.atomic():
                factors.reset_factors(user, reason=form.cleaned_data["reason"])
                if form.cleaned_data["end_keys"]:
                    api_keys.revoke_all_keys(user, because="factors_reset")
        except DomainError as refusal:
            tell_refusal(request, refusal, about=user.username)
        else:
            text = f"{user.username} signs in with the password and sets up anew."
            site.message_user(request, text, messages.SUCCESS)


class _ReadOnly:
    """Rows to look at: owners set factors up, and the action on people resets them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a factor proves nothing that somebody else set up."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        """Refuse changes by hand."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        """Refuse: a reset has a reason, tells the owner, and ends sessions."""
        return False


@admin.register(TOTPFactor)
class TOTPFactorAdmin(_ReadOnly, TOTPPages):
    """Authenticator apps."""

    list_display = ("user", "name", "confirmed", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username__startswith",)
    fields = list_display
    readonly_fields = list_display


@admin.register(Passkey)
class PasskeyAdmin(_ReadOnly, PasskeyPages):
    """Passkeys."""

    list_display = ("user", "name", "is_synced", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username__startswith",)
    fields = list_display
    readonly_fields = list_display


@admin.register(RecoverySheet)
class RecoverySheetAdmin(_ReadOnly, RecoveryPages):
    """Who has recovery codes, and how many are left."""

    list_display = ("user", "codes_left", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username__startswith",)
    fields = list_display
    readonly_fields = list_display

    @admin.display(description="codes left")
    def codes_left(self, sheet: RecoverySheet) -> int:
        """Return how many are not spent."""
        return sheet.count_left()

"""Identity providers in the admin site, and who is linked to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.errors import ProofNeeded
from accounts.models import ExternalIdentity, IdentityProvider
from accounts.services import identities, identity_providers, oidc, proof
from accounts.views.confirm import session_of, to_confirm
from chatsec.core.admin_pages import RefusalsShown

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    ProviderModelForm = forms.ModelForm[IdentityProvider]
    ProviderPages = admin.ModelAdmin[IdentityProvider]
    IdentityPages = admin.ModelAdmin[ExternalIdentity]
else:
    ProviderModelForm = forms.ModelForm
    ProviderPages = IdentityPages = admin.ModelAdmin

TRY = "_test"


class ProviderForm(ProviderModelForm):
    """A provider; its secret goes in and never comes out."""

    issuer = forms.URLField(
        max_length=255,
        assume_scheme="https",
        help_text="As the provider writes it, to the letter; an https address.",
    )
    client_secret = forms.CharField(
        required=False,
        strip=False,
        max_length=512,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Left empty, the secret stays as it is.",
    )

    class Meta:
        model = IdentityProvider
        fields = (
            "name",
            "slug",
            "issuer",
            "client_id",
            "scopes",
            "allowed_domains",
            "factor_amr",
            "factor_acr",
            "makes_accounts",
            "is_active",
        )
        help_texts = {
            "slug": "Part of the address that the provider sends people back to.",
            "scopes": "Separated by commas.",
            "allowed_domains": "Only people with a verified address of one of these "
            "domains come in. Separated by commas; empty: no limit.",
            "factor_amr": "Values of the claim amr that mean that a second factor was "
            "shown there, as mfa. Separated by commas; empty: none does.",
            "factor_acr": "The same for the claim acr.",
            "makes_accounts": "Whoever comes in for the first time gets an account "
            "without a role. Otherwise people link their identity themselves.",
        }

    def clean(self) -> dict[str, object]:
        """Refuse an issuer that nobody should sign in by."""
        cleaned = super().clean() or {}
        issuer = cleaned.get("issuer")
        if issuer and (problem := identity_providers.issuer_problem(issuer)):
            self.add_error("issuer", problem)
        if "openid" not in (cleaned.get("scopes") or ["openid"]):
            self.add_error("scopes", "Without the scope openid no one is signed in.")
        return cleaned


@admin.register(IdentityProvider)
class IdentityProviderAdmin(RefusalsShown, ProviderPages):
    """Where people may come in from; every change wants fresh proof."""

    form = ProviderForm
    list_display = ("name", "issuer", "is_active", "makes_accounts")
    actions = ("try_connection",)
    change_form_template = "admin/accounts/identityprovider/change_form.html"

    def get_fields(
        self, request: HttpRequest, obj: IdentityProvider | None = None
    ) -> tuple[str, ...]:
        """Return what is asked for, and where to register this installation there."""
        first = ["name", "slug", "issuer", "client_id", "client_secret"]
        rest = [name for name in ProviderForm.Meta.fields if name not in first]
        return (*first, *rest, *self.get_readonly_fields(request, obj)[1:])

    def get_readonly_fields(
        self, request: HttpRequest, obj: IdentityProvider | None = None
    ) -> list[str]:
        """Keep the short name: the provider knows the address made of it."""
        return ["slug", "redirect_address", "logout_address"] if obj else []

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: IdentityProvider | None = None
    ) -> dict[str, Sequence[str]]:
        """Suggest a short name for a new one."""
        return {} if obj else {"slug": ("name",)}

    def get_changeform_initial_data(
        self, request: HttpRequest
    ) -> dict[str, str | list[str]]:
        """Suggest the usual scopes."""
        return {"scopes": ["openid", "email", "profile"]}

    @admin.display(description="Redirect address to register there")
    def redirect_address(self, obj: IdentityProvider) -> str:
        """Return where the provider sends people back to."""
        return oidc.callback_url(obj)

    @admin.display(description="Back-channel logout address to register there")
    def logout_address(self, obj: IdentityProvider) -> str:
        """Return where the provider tells of a sign-out."""
        return oidc.logout_url(obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Ask for fresh proof first: who comes in is decided here."""
        try:
            proof.require_recent(session_of(request))
        except ProofNeeded:
            return to_confirm(request, come_back_to=request.path)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(
        self,
        request: HttpRequest,
        obj: IdentityProvider,
        form: ProviderForm,
        change: object,
    ) -> None:
        """Hand what was filled in to the service."""
        secret = form.cleaned_data["client_secret"] or None
        identity_providers.save_provider(
            obj, client_secret=secret, changed=form.changed_data
        )

    def response_add(
        self,
        request: HttpRequest,
        obj: IdentityProvider,
        post_url_continue: str | None = None,
    ) -> HttpResponse:
        """Try the connection where that button was pressed."""
        response = super().response_add(request, obj, post_url_continue)
        return self._tried(request, obj) if TRY in request.POST else response

    def response_change(
        self, request: HttpRequest, obj: IdentityProvider
    ) -> HttpResponse:
        """Try the connection where that button was pressed."""
        response = super().response_change(request, obj)
        return self._tried(request, obj) if TRY in request.POST else response

    def _tried(self, request: HttpRequest, obj: IdentityProvider) -> HttpResponse:
        self._try(request, obj)
        return redirect("admin:accounts_identityprovider_change", obj.pk)

    @admin.action(description="Test the connection", permissions=["change"])
    def try_connection(
        self, request: HttpRequest, chosen: QuerySet[IdentityProvider]
    ) -> None:
        """Ask each chosen provider for what it publishes."""
        for provider in chosen:
            self._try(request, provider)

    def _try(self, request: HttpRequest, provider: IdentityProvider) -> None:
        for found in identity_providers.try_connection(provider):
            level = messages.SUCCESS if found.is_good else messages.ERROR
            self.message_user(request, f"{provider.name}: {found.text}", level)

    def has_delete_permission(
        self, request: HttpRequest, obj: IdentityProvider | None = None
    ) -> bool:
        """Whether it may go: nobody is linked to it."""
        if obj is not None and ExternalIdentity.objects.filter(provider=obj).exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[object, str, str]]:  # type: ignore[override]  # wider in stubs
        """Leave out deleting in bulk, which asks about no single one."""
        found = super().get_actions(request)
        kept = {name: each for name, each in found.items() if name != "delete_selected"}
        return cast("dict[str, tuple[object, str, str]]", kept)

    def delete_model(self, request: HttpRequest, obj: IdentityProvider) -> None:
        """Take it away, with evidence."""
        identity_providers.remove_provider(obj)


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(IdentityPages):
    """Who is linked where: to be unlinked when somebody's account there is not his."""

    list_display = ("user", "where", "linked_by", "linked_at", "last_used_at")
    list_filter = ("channel", "provider", "linked_by")
    list_select_related = ("user", "provider")
    search_fields = ("user__username__startswith",)
    fields = ("user", "where", "tenant", "linked_by", "linked_at", "last_used_at")
    readonly_fields = fields
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: people link their identities themselves."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ExternalIdentity | None = None
    ) -> bool:
        """Refuse changes by hand."""
        return False

    def delete_model(self, request: HttpRequest, obj: ExternalIdentity) -> None:
        """Unlink it, with evidence and a notice."""
        identities.unlink_for(obj)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[ExternalIdentity]
    ) -> None:
        """Unlink the chosen ones, with evidence and notices."""
        for identity in queryset:
            identities.unlink_for(identity)

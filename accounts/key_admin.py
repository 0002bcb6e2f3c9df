"""Programs and API keys in the admin site."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.key_forms import KeyForm, show_refusal
from accounts.models import ApiKey, ServiceAccount
from accounts.selectors import list_api_keys
from accounts.services import api_keys, people
from accounts.services.service_accounts import (
    create_service_account,
    update_service_account,
)
from accounts.views.confirm import recent_proof_required, session_of
from chatsec.core.admin_pages import RefusalsShown
from chatsec.core.errors import DomainError
from chatsec.core.evidence import note_denial

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    ServiceForm = forms.ModelForm[ServiceAccount]
    ServicePages = admin.ModelAdmin[ServiceAccount]
    KeyPages = admin.ModelAdmin[ApiKey]
else:
    ServiceForm = forms.ModelForm
    ServicePages = KeyPages = admin.ModelAdmin

DECLARED = ("purpose", "responsible", "expected_queries_per_day")
SHOWN_KEYS = 50


class ServiceAccountForm(ServiceForm):
    """What is declared of a program, and whether its account is open."""

    username = forms.CharField(
        label="User name",
        max_length=64,
        help_text="How roles and the audit log name it: “report-importer”.",
    )
    is_active = forms.BooleanField(
        label="Open",
        required=False,
        help_text="Closing it ends its keys for good.",
    )

    class Meta:
        model = ServiceAccount
        fields = DECLARED

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["responsible"].required = True
        if self.instance._state.adding:  # noqa: SLF001 - Django's documented API
            del self.fields["is_active"]
        else:
            del self.fields["username"]
            self.initial["is_active"] = self.instance.user.is_active


@admin.register(ServiceAccount)
class ServiceAccountAdmin(RefusalsShown, ServicePages):
    """Accounts of programs: who answers for them, and their keys."""

    form = ServiceAccountForm
    change_form_template = "accounts/admin_service_account.html"
    list_display = (
        "__str__",
        "purpose",
        "responsible",
        "is_open",
        "live_keys",
        "last_used",
    )
    list_filter = ("user__is_active",)
    list_select_related = ("user", "responsible")
    search_fields = ("user__username__startswith",)
    autocomplete_fields = ("responsible",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccount]:
        """Return the programs with how many keys they have and when one was used."""
        now = timezone.now()
        live = Q(user__api_keys__revoked_at__isnull=True) & Q(
            user__api_keys__expires_at__gt=now
        )
        rows: QuerySet[ServiceAccount] = (
            super()
            .get_queryset(request)
            .annotate(
                live=Count("user__api_keys", filter=live),
                used_at=Max("user__api_keys__last_used_at"),
            )
        )
        return rows

    @admin.display(description="open", boolean=True)
    def is_open(self, account: ServiceAccount) -> bool:
        """Whether its keys work."""
        return account.user.is_active

    @admin.display(description="keys", ordering="live")
    def live_keys(self, account: ServiceAccount) -> int:
        """Return how many keys work."""
        return int(getattr(account, "live", 0))

    @admin.display(description="last used", ordering="used_at")
    def last_used(self, account: ServiceAccount) -> object:
        """Return when a key was last used."""
        return getattr(account, "used_at", None)

    def get_fields(
        self, request: HttpRequest, obj: ServiceAccount | None = None
    ) -> tuple[str, ...]:
        """Ask for the name once; later whether the account is open."""
        return ("username", *DECLARED) if obj is None else (*DECLARED, "is_active")

    def has_delete_permission(
        self, request: HttpRequest, obj: ServiceAccount | None = None
    ) -> bool:
        """Refuse: an account is closed here; evidence goes on naming it."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the pages of the model, and the one that makes a key."""
        new_key = self.admin_site.admin_view(recent_proof_required(self.new_key))
        own = path("<uuid:pk>/new-key/", new_key, name="service-account-new-key")
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show the program with its keys."""
        account = self.get_object(request, object_id)
        keys = list_api_keys(account.user)[:SHOWN_KEYS] if account else []
        context = {"keys": keys, "may_make_keys": _may_make_keys(request)}
        context |= extra_context or {}
        return super().change_view(request, object_id, form_url, context)

    def save_model(
        self,
        request: HttpRequest,
        obj: ServiceAccount,
        form: ServiceForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Hand what was filled in to the services."""
        given = dict(form.cleaned_data)
        if not change:
            made = create_service_account(given.pop("username"), **given)
            obj.__dict__.update(made.__dict__)
            return
        is_active = given.pop("is_active")
        stored = ServiceAccount.objects.select_related("user").get(pk=obj.pk)
        update_service_account(stored, **given)
        people.update_user(stored.user, is_active=is_active)

    def new_key(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Make a key for the program, and show it once."""
        if not _may_make_keys(request):
            raise PermissionDenied
        rows = ServiceAccount.objects.select_related("user", "responsible")
        account = get_object_or_404(rows, pk=pk)
        form, made = KeyForm(account.user, request.POST or None), None
        if request.method == "POST" and form.is_valid():
            session, terms = session_of(request), form.terms()
            try:
                made = api_keys.make_service_key(session, account, terms)
            except DomainError as refusal:
                note_denial(refusal)
                show_refusal(form, refusal)
        context = {
            **self.admin_site.each_context(request),
            "title": f"New API key for {account}",
            "opts": self.opts,
            "account": account,
            "form": form,
            "made": made,
        }
        return TemplateResponse(request, "accounts/admin_new_key.html", context)


@admin.register(ApiKey)
class ApiKeyAdmin(KeyPages):
    """Everybody's keys, to look at and to end."""

    list_display = (
        "shown_as",
        "user",
        "state",
        "scopes",
        "expires_at",
        "last_used_at",
        "last_refused_at",
    )
    list_filter = (
        "user__is_service",
        ("revoked_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("user",)
    search_fields = ("user__username__startswith", "public_id__exact")
    search_help_text = "The beginning of a user name, or the eight signs after csk_."
    fields = (
        "shown_as",
        "name",
        "user",
        "scopes",
        "networks",
        "messages_per_minute",
        "created_at",
        "expires_at",
        "last_used_at",
        "last_refused_at",
        "revoked_at",
        "revoked_because",
    )
    readonly_fields = fields
    actions = ("revoke_keys",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: people make their own keys, a program's are made on its page."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> bool:
        """Refuse: what a key may do is settled when it is made."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> bool:
        """Refuse: ended keys leave by retention."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor may end other people's keys."""
        return request.user.has_perm("accounts.delete_apikey")

    @admin.action(description="Revoke chosen keys", permissions=["revoke"])
    def revoke_keys(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        """End the chosen keys, at once and everywhere."""
        for key in chosen.select_related("user__service__responsible"):
            api_keys.revoke_key(key, because="revoked_by_admin")
        self.message_user(request, f"{len(chosen)} keys revoked.")


def _may_make_keys(request: HttpRequest) -> bool:
    wanted = ("accounts.change_serviceaccount", "accounts.add_apikey")
    return all(request.user.has_perm(each) for each in wanted)

"""The apps that people may connect, in the admin site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.app_scopes import SCOPES, in_order
from accounts.errors import ProofNeeded
from accounts.models import OAuthApplication
from accounts.redirect_uris import find_fault
from accounts.services import applications, proof
from accounts.views.confirm import session_of, to_confirm
from chatsec.core.admin_pages import tell_refusal
from chatsec.core.errors import DomainError

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    ApplicationForm = forms.ModelForm[OAuthApplication]
    ApplicationPages = admin.ModelAdmin[OAuthApplication]
else:
    ApplicationForm, ApplicationPages = forms.ModelForm, admin.ModelAdmin

# Where a request keeps a secret that its answer shows; it is stored nowhere.
SECRETS = "chatsec_oauth_secrets"


class OAuthApplicationForm(ApplicationForm):
    """What an app is called, where it lives and what it may ask for."""

    redirect_uris = forms.CharField(
        label="Redirect addresses",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One a line, compared letter for letter: https://..., "
        "http://127.0.0.1/..., http://[::1]/... (any port), or "
        "com.example.app:/...",
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope, f"{scope}: {text}") for scope, text in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = OAuthApplication
        fields = (
            "name",
            "description",
            "client_type",
            "redirect_uris",
            "scopes",
            "is_enabled",
        )

    def clean_redirect_uris(self) -> str:
        """Refuse addresses that a code must not be sent to."""
        uris = self.cleaned_data["redirect_uris"].split()
        faults = [f"{uri} {fault}." for uri in uris if (fault := find_fault(uri))]
        if faults:
            raise forms.ValidationError(faults)
        return "\n".join(uris)

    def clean_scopes(self) -> list[str]:
        """Return them in the order in which people see them."""
        return list(in_order(self.cleaned_data["scopes"]))


class OAuthApplicationAdmin(ApplicationPages):
    """Registers apps, shows a secret once, switches them off; none is deleted."""

    form = OAuthApplicationForm
    list_display = ("name", "client_id", "client_type", "is_enabled", "connected")
    list_filter = ("client_type", "is_enabled")
    search_fields = ("name", "client_id")
    readonly_fields = ("client_id", "created", "updated")
    actions = ("make_new_secret", "disconnect_everybody")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthApplication]:
        """Return the apps with how many people have connected them."""
        live = Q(sessions__revoked_at__isnull=True)
        counted = Count("sessions", filter=live)
        rows: QuerySet[OAuthApplication] = super().get_queryset(request)
        found: QuerySet[OAuthApplication] = rows.annotate(live=counted)
        return found

    @admin.display(description="connected", ordering="live")
    def connected(self, application: OAuthApplication) -> int:
        """Return how many sessions the app has."""
        return int(getattr(application, "live", 0))

    def get_fields(
        self, request: HttpRequest, obj: OAuthApplication | None = None
    ) -> tuple[str, ...]:
        """Show the client id once there is one."""
        asked = OAuthApplicationForm.Meta.fields
        return asked if obj is None else ("client_id", *asked, "created", "updated")

    def get_readonly_fields(
        self, request: HttpRequest, obj: OAuthApplication | None = None
    ) -> tuple[str, ...]:
        """Keep the type of a registered app: its secret hangs on it."""
        fixed = self.readonly_fields
        return fixed if obj is None else (*fixed, "client_type")

    def has_delete_permission(
        self, request: HttpRequest, obj: OAuthApplication | None = None
    ) -> bool:
        """Refuse: an app is switched off; evidence goes on naming it."""
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Ask for fresh proof: where codes go, and who may ask, is decided here."""
        try:
            proof.require_recent(session_of(request))
        except ProofNeeded:
            return to_confirm(request, come_back_to=request.path)
        page: HttpResponse = super().changeform_view(
            request, object_id, form_url, extra_context
        )
        return page

    def save_model(
        self,
        request: HttpRequest,
        obj: OAuthApplication,
        form: ApplicationForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Hand what was filled in to the service."""
        given = dict(form.cleaned_data)
        if change:
            applications.change_application(obj, **given)
            return
        made, secret = applications.register_application(**given)
        # The admin goes on with `obj`: it has to be the app that was registered.
        obj.__dict__.update(made.__dict__)
        setattr(request, SECRETS, secret)

    def response_add(
        self,
        request: HttpRequest,
        obj: OAuthApplication,
        post_url_continue: str | None = None,
    ) -> HttpResponse:
        """Show the secret of a new confidential app, once."""
        if secret := getattr(request, SECRETS, ""):
            return self._secrets(request, {obj: secret})
        return super().response_add(request, obj, post_url_continue)

    @admin.action(description="Make a new secret", permissions=["change"])
    def make_new_secret(
        self, request: HttpRequest, chosen: QuerySet[OAuthApplication]
    ) -> HttpResponse | None:
        """Replace the secrets of the chosen apps; each is shown once."""
        try:
            proof.require_recent(session_of(request))
        except ProofNeeded:
            return to_confirm(request, come_back_to=request.path)
        made: dict[OAuthApplication, str] = {}
        for application in chosen:
            try:
                made[application] = applications.make_new_secret(application)
            except DomainError as refusal:
                tell_refusal(request, refusal, about=application.name)
        return self._secrets(request, made) if made else None

    @admin.action(description="Disconnect from everybody", permissions=["change"])
    def disconnect_everybody(
        self, request: HttpRequest, chosen: QuerySet[OAuthApplication]
    ) -> None:
        """End every session of the chosen apps."""
        ended = sum(applications.disconnect_everybody(each) for each in chosen)
        self.message_user(request, f"{ended} connections ended.")

    def _secrets(
        self, request: HttpRequest, made: dict[OAuthApplication, str]
    ) -> HttpResponse:
        shown = {
            **self.admin_site.each_context(request),
            "title": "Copy the secret now",
            "opts": self.opts,
            "secrets": [(app.name, app.client_id, made[app]) for app in made],
        }
        return render(request, "admin/accounts/oauthapplication/secret.html", shown)

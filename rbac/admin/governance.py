"""Requests, break-glass and separation of duties in the admin site."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html

from chatsec.core.admin_pages import RefusalsShown, tell_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError
from rbac.admin.roles import Guarded
from rbac.governance_selectors import list_violations
from rbac.models import (
    AccessRequest,
    BreakGlassActivation,
    BreakGlassEligibility,
    Role,
    SodRule,
)
from rbac.services import break_glass, requests, separation

if TYPE_CHECKING:
    EligibilityForm_ = forms.ModelForm[BreakGlassEligibility]
else:
    EligibilityForm_ = forms.ModelForm

STYLES = {"all": ["css/governance.css"]}


class GovernedAdmin(Guarded, RefusalsShown):
    """Shows rows; what changes them is an action or a service."""

    show_full_result_count = False

    class Media:
        css = STYLES

    def has_add_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Refuse: rows come from elsewhere, unless a page says so."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Refuse: actions decide. They need the right to manage roles themselves."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Refuse: history stays."""
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Show the actions to administrators."""
        return super().has_add_permission(request)

    def each_alone(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        act: Callable[[Any], object],
        done: str,
    ) -> None:
        """Do it to each row by itself, telling what was refused."""
        for row in rows:
            try:
                act(row)
            except DomainError as refusal:
                tell_refusal(request, refusal, about=self.named(row))
            else:
                self.message_user(request, f"{self.named(row)}: {done}")

    def named(self, row: Any) -> str:
        """Return what messages call the row."""
        return f"{row.user.username}, {row.role.name}"


def badge(kind: str, text: str) -> str:
    """Return a coloured word."""
    return format_html('<strong class="state state--{}">{}</strong>', kind, text)


class ReasonActionForm(ActionForm):
    """Actions with a reason."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "Reason (needed to deny)"}),
    )


@admin.register(AccessRequest)
class AccessRequestAdmin(GovernedAdmin):
    """The queue of requests for roles."""

    action_form = ReasonActionForm
    actions = ("approve", "deny")
    list_display = (
        "requester",
        "role",
        "reason",
        "duration",
        "status",
        "created_at",
        "decided_by",
        "decision_reason",
    )
    list_filter = ("state", "role")
    list_select_related = ("requester", "role", "decided_by")
    search_fields = ("requester__username__startswith",)

    def named(self, row: AccessRequest) -> str:
        """Return who asked for what."""
        return f"{row.requester.username}, {row.role.name}"

    @admin.display(description="state", ordering="state")
    def status(self, row: AccessRequest) -> str:
        """Return the state; what waits stands out."""
        if row.is_open_at(timezone.now()):
            return badge("waiting", "waiting")
        return "expired" if row.state == "open" else row.get_state_display()

    @admin.action(description="Approve selected requests", permissions=["manage"])
    def approve(self, request: HttpRequest, rows: QuerySet[AccessRequest]) -> None:
        """Give each requester his role for the time he asked."""
        reason = request.POST.get("reason", "")
        self.each_alone(
            request,
            rows,
            lambda row: requests.approve_request(
                current_actor(), request_id=row.pk, reason=reason
            ),
            "approved.",
        )

    @admin.action(description="Deny selected requests", permissions=["manage"])
    def deny(self, request: HttpRequest, rows: QuerySet[AccessRequest]) -> None:
        """Refuse each, with the reason beside the action."""
        reason = request.POST.get("reason", "")
        self.each_alone(
            request,
            rows,
            lambda row: requests.deny_request(
                current_actor(), request_id=row.pk, reason=reason
            ),
            "denied.",
        )


@admin.register(BreakGlassActivation)
class BreakGlassActivationAdmin(GovernedAdmin):
    """Emergencies, the running ones loudly."""

    actions = ("end",)
    list_display = ("user", "role", "status", "reason", "started_at", "ends_at")
    list_filter = ("role",)
    list_select_related = ("user", "role")

    @admin.display(description="state")
    def status(self, row: BreakGlassActivation) -> str:
        """Return whether the emergency lasts."""
        if row.is_active_at(timezone.now()):
            return badge("alarm", f"ACTIVE until {row.ends_at:%H:%M} UTC")
        return "ended early" if row.ended_at else "over"

    @admin.action(description="End selected emergencies now", permissions=["manage"])
    def end(self, request: HttpRequest, rows: QuerySet[BreakGlassActivation]) -> None:
        """Take the emergency roles back."""
        self.each_alone(
            request,
            rows,
            lambda row: break_glass.end_activation(
                current_actor(), activation_id=row.pk
            ),
            "ended.",
        )


class EligibilityForm(EligibilityForm_):
    """Who may activate which emergency role."""

    class Meta:
        model = BreakGlassEligibility
        fields = ("user", "role", "valid_until", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            choices = Role.objects.filter(is_break_glass=True)
            self.fields["role"].queryset = choices  # type: ignore[attr-defined]

    def validate_constraints(self) -> None:
        """Leave it to the service, which knows eligibilities that have ended."""


@admin.register(BreakGlassEligibility)
class BreakGlassEligibilityAdmin(GovernedAdmin):
    """Who may break which glass."""

    form = EligibilityForm
    actions = ("end",)
    autocomplete_fields = ("user",)
    list_display = ("user", "role", "status", "valid_until", "granted_by", "reason")
    list_filter = ("role",)
    list_select_related = ("user", "role", "granted_by")

    def has_add_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let administrators make people eligible."""
        return self.has_manage_permission(request)

    @admin.display(description="state")
    def status(self, row: BreakGlassEligibility) -> str:
        """Return whether it counts."""
        ended = row.valid_until is not None and row.valid_until <= timezone.now()
        return "ended" if row.revoked_at or ended else "eligible"

    def save_model(
        self,
        request: HttpRequest,
        obj: BreakGlassEligibility,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Make the person eligible through the service."""
        made = break_glass.make_eligible(current_actor(), **form.cleaned_data)
        obj.__dict__.update(made.__dict__)

    @admin.action(description="End selected eligibilities", permissions=["manage"])
    def end(self, request: HttpRequest, rows: QuerySet[BreakGlassEligibility]) -> None:
        """Let these people activate the role no more."""
        self.each_alone(
            request,
            rows,
            lambda row: break_glass.end_eligibility(current_actor(), eligibility=row),
            "ended.",
        )


@admin.register(SodRule)
class SodRuleAdmin(GovernedAdmin):
    """Roles that nobody has at once, and who has them all the same."""

    fields = ("role_a", "role_b", "reason")
    actions = None
    list_display = ("__str__", "reason", "created_at")
    list_select_related = ("role_a", "role_b")
    change_list_template = "rbac/sod_list.html"

    def has_add_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let administrators make rules."""
        return self.has_manage_permission(request)

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let administrators lift rules."""
        return self.has_manage_permission(request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """List the rules and, above them, who breaks which."""
        found = list_violations(separation.find_violations())
        shown = {"violations": found[:100], "count": len(found)}
        context = {**(extra_context or {}), "broken": shown}
        return super().changelist_view(request, context)  # type: ignore[return-value]  # a page, as there are no actions

    def save_model(
        self,
        request: HttpRequest,
        obj: SodRule,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Make the rule through the service."""
        given = form.cleaned_data
        made = separation.create_sod_rule(
            current_actor(),
            role_a=given["role_a"].name,
            role_b=given["role_b"].name,
            reason=given["reason"],
        )
        obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: SodRule) -> None:
        """Lift the rule through the service."""
        separation.delete_sod_rule(current_actor(), rule=obj)

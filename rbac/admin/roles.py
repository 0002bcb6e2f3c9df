"""Roles and assignments in the admin site: every save is a service's, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from chatsec.core.admin_pages import RefusalsShown
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError
from chatsec.core.evidence import note_denial
from rbac.constants import ADMIN_ROLE, MANAGE_ROLES, VIEW_MATRIX
from rbac.forms import AssignForm, GrantForm, RevokeForm, RoleForm
from rbac.models import Assignment, Role, RoleGrant, RoleParent
from rbac.services import assign_role, revoke_assignment
from rbac.services.roles import RoleDefinition, create_role, delete_role, update_role
from rbac.services.what_if import RoleEffect, preview_role

if TYPE_CHECKING:
    Pages = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Role]
else:
    Pages, Inline = admin.ModelAdmin, admin.TabularInline


# Where one request keeps why its form is shown again.
SHOWN_AGAIN = "rbac.shown_again"


class Guarded:
    """Whoever may manage roles writes; who may see the matrix looks."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the pages to who may look."""
        return self.has_view_permission(request)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let who sees the matrix look."""
        return _may(request, VIEW_MATRIX) or _may(request, MANAGE_ROLES)

    def has_add_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let administrators write."""
        return _may(request, MANAGE_ROLES)

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let administrators write, all but the role that makes them so."""
        return _may(request, MANAGE_ROLES) and not _is_fixed(obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let administrators delete what did not come with chatsec."""
        return _may(request, MANAGE_ROLES) and not getattr(obj, "is_system", False)


def _may(request: HttpRequest, code: str) -> bool:
    return request.user.has_perm(f"rbac.{code}")


def _is_fixed(obj: Model | None) -> bool:
    return isinstance(obj, Role) and obj.name == ADMIN_ROLE


class PreviewAsked(Exception):
    """The form is good and its effect is to be shown, not saved."""

    def __init__(self, definition: RoleDefinition, role: Role | None) -> None:
        super().__init__(definition.name)
        self.definition = definition
        self.role = role


@dataclass(frozen=True, slots=True)
class ShownAgain:
    """Why a filled-in form comes back unsaved: its effect, or a refusal."""

    effect: RoleEffect | None = None
    refusal: DomainError | None = None


class GrantInline(Guarded, Inline):
    """What the role itself grants."""

    model = RoleGrant
    form = GrantForm
    extra = 0


class ParentInline(Guarded, Inline):
    """Which roles it inherits from."""

    model = RoleParent
    fk_name = "role"
    fields = ("parent",)
    extra = 0
    verbose_name_plural = "inherits from"


@admin.register(Role)
class RoleAdmin(Guarded, RefusalsShown):
    """Defines roles."""

    form = RoleForm
    inlines = (ParentInline, GrantInline)
    list_display = ("name", "label", "description", "is_system", "inherits")
    search_fields = ("name", "label")
    actions = None
    change_list_template = "rbac/role_list.html"
    change_form_template = "rbac/role_form.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Save, or bring the form back with what saving would do or why not."""
        try:
            # Past the messages of the base: a refusal keeps what was typed.
            return admin.ModelAdmin.changeform_view(
                self, request, object_id, form_url, extra_context
            )
        except PreviewAsked as asked:
            again = _previewed(asked)
        except DomainError as refusal:
            note_denial(refusal)
            again = ShownAgain(refusal=refusal)
        self._hold(request, again)
        context = {**(extra_context or {}), "effect": again.effect}
        return admin.ModelAdmin.changeform_view(
            self, request, object_id, form_url, context
        )

    @staticmethod
    def _hold(request: HttpRequest, again: ShownAgain) -> None:
        request.META[SHOWN_AGAIN] = again

    def get_form(
        self,
        request: HttpRequest,
        obj: Role | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Return the form; one that holds still while it is shown again."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        again = request.META.get(SHOWN_AGAIN)
        if isinstance(again, ShownAgain):
            form.refusal, form.is_held = again.refusal, True
        return form

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        """Return roles with their parents at hand."""
        return super().get_queryset(request).prefetch_related("parents")

    @admin.display(description="inherits from")
    def inherits(self, role: Role) -> str:
        """Return the parents' names."""
        return ", ".join(parent.name for parent in role.parents.all()) or "-"

    def get_readonly_fields(
        self, request: HttpRequest, obj: Role | None = None
    ) -> tuple[str, ...]:
        """Keep the name once the role exists: evidence and people know it by that."""
        return ("name",) if obj is not None else ()

    def save_model(
        self,
        request: HttpRequest,
        obj: Role,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Wait for the grants: a role is saved as a whole."""

    def save_related(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Hand role, parents and grants to the service in one piece."""
        role = form.instance
        definition = _definition(role, formsets)
        if "_preview" in request.POST:
            raise PreviewAsked(definition, role if change else None)
        if change:
            update_role(current_actor(), role=role, definition=definition)
        else:
            made = create_role(current_actor(), definition=definition)
            role.__dict__.update(made.__dict__)
        for formset in formsets:
            # Django's own log of changes reads these; the audit log has the facts.
            formset.new_objects = formset.changed_objects = formset.deleted_objects = []

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the role alone: the service knows what else stands against it."""
        return [str(role) for role in objs], {"roles": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Role) -> None:
        """Delete through the service."""
        delete_role(current_actor(), role=obj)


def _previewed(asked: PreviewAsked) -> ShownAgain:
    actor = current_actor()
    try:
        effect = preview_role(actor, definition=asked.definition, role=asked.role)
    except DomainError as refusal:
        return ShownAgain(refusal=refusal)
    return ShownAgain(effect=effect)


def _definition(role: Role, formsets: Any) -> RoleDefinition:
    parents, grants = [], []
    for formset in formsets:
        for form in formset.forms:
            if not form.has_changed() and form.instance._state.adding:  # noqa: SLF001
                continue
            if form.cleaned_data.get("DELETE"):
                continue
            if isinstance(form, GrantForm):
                grants.append(form.definition())
            else:
                parents.append(form.cleaned_data["parent"].name)
    return RoleDefinition(
        name=role.name,
        label=role.label,
        description=role.description,
        inherits=tuple(parents),
        grants=tuple(grants),
        is_break_glass=role.is_break_glass,
        requires_factor=role.requires_factor,
    )


@admin.register(Assignment)
class AssignmentAdmin(Guarded, RefusalsShown):
    """Gives roles and takes them away; history stays."""

    list_display = (
        "user",
        "role",
        "state",
        "valid_from",
        "valid_until",
        "granted_by",
        "reason",
    )
    change_list_template = "rbac/assignment_list.html"
    list_filter = ("role", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "role", "granted_by")
    search_fields = ("user__username__startswith",)
    search_help_text = "The beginning of a user name."
    autocomplete_fields = ("user",)
    date_hierarchy = None
    actions = None
    show_full_result_count = False

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Lead to the page that offers ends in an administrator's words."""
        if request.method in {"GET", "HEAD"} and self.has_add_permission(request):
            return HttpResponseRedirect(reverse("give-role"))
        return super().add_view(request, form_url, extra_context)

    @admin.display(description="state")
    def state(self, row: Assignment) -> str:
        """Return whether it counts now."""
        now = timezone.now()
        if row.revoked_at is not None:
            return "revoked"
        if row.is_active_at(now):
            return "active"
        return "coming" if now < row.valid_from else "ended"

    def get_form(
        self,
        request: HttpRequest,
        obj: Assignment | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Return the form to give, or the one to take away."""
        kwargs["form"] = AssignForm if obj is None else RevokeForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(
        self, request: HttpRequest, obj: Assignment | None = None
    ) -> tuple[str, ...]:
        """Return what is asked, after what is known."""
        if obj is None:
            return AssignForm.Meta.fields
        known = self.get_readonly_fields(request, obj)
        can_end = self.has_change_permission(request, obj)
        return (*known, "ending_reason") if can_end else known

    def get_readonly_fields(
        self, request: HttpRequest, obj: Assignment | None = None
    ) -> tuple[str, ...]:
        """Return the facts of an assignment that exists."""
        if obj is None:
            return ()
        facts: tuple[str, ...] = ("user", "role", "reason", "valid_from")
        facts += ("valid_until", "granted_by", "created_at")
        if obj.revoked_at is None:
            return facts
        return (*facts, "revoked_at", "revoked_by", "revoke_reason")

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let administrators end what has not ended."""
        ended = isinstance(obj, Assignment) and obj.revoked_at is not None
        return super().has_change_permission(request, obj) and not ended

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Refuse: history stays."""
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: Assignment,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Give or take the role through the service."""
        if change:
            reason = form.cleaned_data["ending_reason"]
            revoke_assignment(current_actor(), assignment=obj, reason=reason)
            return
        given = assign_role(current_actor(), **form.cleaned_data)
        obj.__dict__.update(given.__dict__)

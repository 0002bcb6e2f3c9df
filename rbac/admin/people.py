"""The page of a person, with the roles that he has and a way to give more."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.admin import UserAdmin
from accounts.models import User
from accounts.models.people import user_id_of
from rbac import selectors
from rbac.constants import EXPLAIN, MANAGE_ROLES, VIEW_MATRIX
from rbac.models import Assignment
from rbac.pages.giving import ask_for_many

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):
    """People as `accounts` shows them, and what roles they have."""

    change_form_template = "rbac/person.html"
    actions = (*UserAdmin.actions, "give_role")  # type: ignore[assignment]  # one more

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Show the person with the roles that count now or will."""
        may = request.user.has_perm
        sees_roles = may(f"rbac.{VIEW_MATRIX}") or may(f"rbac.{MANAGE_ROLES}")
        context: dict[str, object] = {
            "may_give": may(f"rbac.{MANAGE_ROLES}"),
            "may_explain": may(f"rbac.{EXPLAIN}"),
            "sees_roles": sees_roles,
            "assignments": _live(object_id) if sees_roles else [],
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def has_give_roles_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor may give roles."""
        return request.user.has_perm(f"rbac.{MANAGE_ROLES}")

    @admin.action(description="Give role to selected", permissions=["give_roles"])
    def give_role(
        self, request: HttpRequest, chosen: QuerySet[User]
    ) -> HttpResponseBase:
        """Ask which role, until when, and why."""
        return ask_for_many(request, chosen)


def _live(object_id: str) -> list[Assignment]:
    user_id = user_id_of(object_id)
    if user_id is None:
        return []
    rows = selectors.list_live_assignments(user_id, now=timezone.now())
    return list(rows.select_related("role", "granted_by").order_by("role__label"))

"""The admin site: staff only, and only with a second factor shown in this session."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode


class ChatsecAdminSite(admin.AdminSite):
    """Django's admin behind chatsec's own sign-in page."""

    site_header = "chatsec administration"
    site_title = "chatsec"
    index_title = "Administration"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor is active staff who proved a second factor."""
        if not super().has_permission(request):
            return False
        return bool(request.user.is_verified())  # type: ignore[union-attr]

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[Any]:
        """Return models, and the pages that an app has beside them, first."""
        found = super().get_app_list(request, app_label)
        for app in found:
            pages = getattr(apps.get_app_config(app["app_label"]), "admin_pages", ())
            shown = [page for page in pages if request.user.has_perm(page[2])]
            app["models"][:0] = [_entry(name, address) for name, address, _ in shown]
        return found

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Send the visitor to the one sign-in page: same lockout, same factors."""
        target = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        query = urlencode({REDIRECT_FIELD_NAME: target, "factor": "required"})
        return redirect(f"{reverse('sign-in')}?{query}")


def _entry(name: str, address: str) -> dict[str, object]:
    """Return a page in the form in which the admin lists models."""
    return {
        "name": name,
        "object_name": f"page_{address}",
        "admin_url": reverse(address),
        "add_url": None,
        "view_only": True,
        "perms": {},
        "model": None,
    }

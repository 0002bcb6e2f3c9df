"""The admin site: staff only, and only with a second factor shown in this session."""

from __future__ import annotations

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

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Send the visitor to the one sign-in page: same lockout, same factors."""
        target = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        query = urlencode({REDIRECT_FIELD_NAME: target, "factor": "required"})
        return redirect(f"{reverse('sign-in')}?{query}")

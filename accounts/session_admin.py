"""Signed-in devices, and what their owners were told, in the admin site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import AuthSession, Notice
from accounts.services import sessions

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    SessionPages = admin.ModelAdmin[AuthSession]
    NoticePages = admin.ModelAdmin[Notice]
else:
    SessionPages = NoticePages = admin.ModelAdmin


class ReadOnly:
    """Rows to look at; services change them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: signing in makes sessions, enrolling makes factors."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        """Refuse changes by hand."""
        return False


@admin.register(AuthSession)
class AuthSessionAdmin(ReadOnly, SessionPages):
    """Signed-in devices of everybody, to be signed out."""

    list_display = (
        "user",
        "kind",
        "client",
        "amr",
        "created_at",
        "last_seen_at",
        "revoked_at",
    )
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("user__username__startswith",)
    fields = (
        "user",
        "kind",
        "client",
        "scopes",
        "amr",
        "authenticated_at",
        "stepped_up_at",
        "password_confirmed_at",
        "created_at",
        "last_seen_at",
        "expires_at",
        "revoked_at",
        "revoked_because",
    )
    readonly_fields = fields
    actions = ("revoke_sessions",)
    show_full_result_count = False

    def has_delete_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        """Refuse: ended sessions leave by retention."""
        return False

    @admin.action(description="Sign out chosen devices", permissions=["delete_session"])
    def revoke_sessions(
        self, request: HttpRequest, chosen: QuerySet[AuthSession]
    ) -> None:
        """End the chosen sessions."""
        for session in chosen:
            sessions.revoke_session(session, because="revoked_by_admin")
        self.message_user(request, f"{len(chosen)} devices signed out.")

    def has_delete_session_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor may end other people's sessions."""
        return request.user.has_perm("accounts.delete_authsession")


@admin.register(Notice)
class NoticeAdmin(ReadOnly, NoticePages):
    """Which notices went out, and which wait for the mail server; not what they say."""

    list_display = ("user", "title", "created_at", "mailed_at", "tries", "due_at")
    list_filter = ("kind", ("mailed_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("user__username__startswith",)
    fields = (*list_display, "seen_at")
    readonly_fields = fields
    show_full_result_count = False

    def has_delete_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        """Refuse: notices leave by retention."""
        return False

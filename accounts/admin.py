"""People and their sessions in the admin site."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts import (
    factor_admin,
    key_admin,  # noqa: F401 - registers its own pages
    provider_admin,  # noqa: F401 - registers its own pages
    session_admin,  # noqa: F401 - registers its own pages
)
from accounts.errors import ProofNeeded
from accounts.models import User
from accounts.models.people import email_digest
from accounts.names import fold_name
from accounts.selectors import search_users
from accounts.services import (
    invitations,
    lockout,
    passwords,
    people,
    proof,
    sessions,
)
from accounts.views.confirm import session_of, to_confirm
from chatsec.core.admin_pages import RefusalsShown, tell_refusal
from chatsec.core.crypto import DecryptionFailed
from chatsec.core.errors import DomainError

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
    UserPages = admin.ModelAdmin[User]
else:
    UserForm = forms.ModelForm
    UserPages = admin.ModelAdmin

INVITATION_HINT = "An invitation to choose a password is mailed here."
PLACE_IN_ORGANISATION = ("department", "region", "team", "manager", "approval_limit")


class PersonForm(UserForm):
    """An account, with its personal columns opened for whoever manages people."""

    email = forms.EmailField(label="E-mail")
    display_name = forms.CharField(max_length=150)

    class Meta:
        model = User
        fields = ("username", *PLACE_IN_ORGANISATION, "is_staff", "is_active")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if self.instance._state.adding:  # noqa: SLF001 - Django's documented API
            self.fields["email"].help_text = INVITATION_HINT
        for name in people.PERSONAL:
            if not self.instance._state.adding:  # noqa: SLF001 - Django's documented API
                self.initial[name] = _opened(self.instance, name)

    def clean_username(self) -> str:
        """Return the one spelling of the name."""
        return fold_name(self.cleaned_data["username"])

    def clean_email(self) -> str:
        """Refuse an address that is somebody else's."""
        email: str = self.cleaned_data["email"]
        others = User.objects.exclude(id=self.instance.id)
        if others.filter(email_index=email_digest(email)).exists():
            raise forms.ValidationError("Somebody has this address.")
        return email


def _opened(user: User, name: str) -> str:
    try:
        return str(getattr(user, name))
    except DecryptionFailed:
        return "[erased]"


@admin.register(User)
class UserAdmin(RefusalsShown, UserPages):
    """Invites people, changes and closes accounts; nobody sets a password here."""

    form = PersonForm
    list_display = (
        "username",
        *PLACE_IN_ORGANISATION[:3],
        "status",
        "is_staff",
        "date_joined",
    )
    list_filter = ("is_active", "is_staff", "is_service", "department", "region")
    search_fields = ("username",)
    search_help_text = "The beginning of a user name, or a whole e-mail address."
    autocomplete_fields = ("manager",)
    ordering = ("username",)
    actions = (
        "send_links",
        "close_accounts",
        "unlock_accounts",
        "sign_out",
        factor_admin.reset_factors,
    )
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Search where sealed columns allow it: name prefix, exact e-mail."""
        if not search_term.strip():
            return queryset, False
        return queryset & search_users(search_term), False

    def get_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> tuple[str, ...]:
        """Return the columns in the order in which they are asked for."""
        asked = (
            *("username", "email", "display_name"),
            *PLACE_IN_ORGANISATION,
            "is_staff",
        )
        return asked if obj is None else (*asked, "is_active")

    def has_delete_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        """Refuse: an account is closed here, and erased by a privacy request."""
        return False

    def refused(self, request: HttpRequest, refusal: DomainError) -> HttpResponse:
        """Ask for fresh proof where a service wants it."""
        if isinstance(refusal, ProofNeeded):
            return to_confirm(request, come_back_to=request.path)
        return super().refused(request, refusal)

    def save_model(
        self,
        request: HttpRequest,
        obj: User,
        form: UserForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Hand what was filled in to the service."""
        given = dict(form.cleaned_data)
        if change:
            if "email" in form.changed_data:
                # Links for a new password go there.
                proof.require_recent(session_of(request))
            people.update_user(User.objects.get(id=obj.id), **given)
            return
        made = invitations.invite(given.pop("username"), **given)
        text = f"An invitation to choose a password was mailed to {made.username}."
        self.message_user(request, text, messages.SUCCESS)
        # The admin goes on with `obj`: it has to be the account that was made.
        obj.__dict__.update(made.__dict__)

    @admin.action(
        description="Mail invitation or password link", permissions=["change"]
    )
    def send_links(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """Mail a link: to choose the first password, or another one."""
        _each(self, request, chosen, _send_link)

    @admin.action(description="Close accounts", permissions=["change"])
    def close_accounts(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """Close the accounts and end their sessions."""
        _each(self, request, chosen, people.close_account)

    @admin.action(description="Unlock sign-in", permissions=["change"])
    def unlock_accounts(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """Forget the failed sign-ins of the accounts."""
        _each(self, request, chosen, lockout.unlock_account)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """End every session of the accounts."""
        _each(self, request, chosen, sessions.sign_out_everywhere)


def _send_link(user: User) -> None:
    if user.has_usable_password():
        passwords.send_reset(user)
    else:
        invitations.invite_again(user)


def _each(
    site: UserAdmin,
    request: HttpRequest,
    chosen: QuerySet[User],
    act: Callable[[User], object],
) -> None:
    done = 0
    for user in chosen:
        try:
            act(user)
        except DomainError as refusal:
            tell_refusal(request, refusal, about=user.username)
        else:
            done += 1
    site.message_user(request, f"Done for {done} accounts.", messages.SUCCESS)

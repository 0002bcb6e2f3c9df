"""What is filled in to give a role and to take it back."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.models.people import user_id_of
from accounts.selectors import get_user_by_name_or_id
from chatsec.core.errors import NotFound
from rbac.constants import PUBLIC_ROLE
from rbac.models import Role
from rbac.pages.until import Until, moment_of

MAX_AT_ONCE = 200


class Terms(TypedDict):
    """A role, why, and how long."""

    role: Role
    reason: str
    valid_until: datetime | None


def _assignable() -> QuerySet[Role]:
    return Role.objects.exclude(name=PUBLIC_ROLE).order_by("label")


class TermsForm(forms.Form):
    """Which role, until when, and why."""

    role = forms.ModelChoiceField(
        Role.objects.none(), empty_label="Choose a role", to_field_name="name"
    )
    until = forms.ChoiceField(
        label="How long",
        choices=Until.choices,
        widget=forms.RadioSelect,
        initial=Until.FRIDAY,
    )
    on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Only for “until the end of a day”.",
    )
    reason = forms.CharField(
        max_length=500,
        strip=True,
        help_text="Kept as evidence.",
        widget=forms.TextInput(attrs={"size": 48, "autocomplete": "off"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].queryset = _assignable()  # type: ignore[attr-defined]

    def clean(self) -> None:
        """Ask for the day where a day is chosen."""
        super().clean()
        given = self.cleaned_data
        needs_day = given.get("until") == Until.DATE and not given.get("on")
        if needs_day and "on" not in self.errors:
            self.add_error("on", "Say which day is the last.")

    def terms(self) -> Terms:
        """Return what the service takes."""
        given = self.cleaned_data
        choice = Until(given["until"])
        end = moment_of(choice, now=timezone.now(), on=given["on"])
        return Terms(role=given["role"], reason=given["reason"], valid_until=end)


class GiveForm(TermsForm):
    """A role for one person."""

    user = forms.CharField(
        label="Person",
        max_length=254,
        help_text="User name, e-mail address or id.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("user", "role", "until", "on", "reason")

    def clean_user(self) -> User:
        """Return the person."""
        try:
            return get_user_by_name_or_id(self.cleaned_data["user"])
        except NotFound as error:
            raise forms.ValidationError(error.message) from error


class GiveManyForm(TermsForm):
    """A role for the people that were chosen in the list."""

    users = forms.CharField(widget=forms.HiddenInput, max_length=40 * MAX_AT_ONCE)

    def clean_users(self) -> list[User]:
        """Return the people, each once."""
        texts = self.cleaned_data["users"].split(",")
        ids = {found for text in texts if (found := user_id_of(text)) is not None}
        if not ids or len(ids) > MAX_AT_ONCE:
            raise forms.ValidationError(f"Choose 1 to {MAX_AT_ONCE} people.")
        return list(User.objects.filter(id__in=ids).order_by("username"))


class TakeBackForm(forms.Form):
    """Why a role is taken back."""

    reason = forms.CharField(
        max_length=500,
        help_text="Kept as evidence. The assignment ends now and stays in the history.",
        widget=forms.TextInput(
            attrs={"size": 48, "autocomplete": "off", "autofocus": True}
        ),
    )

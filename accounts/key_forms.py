"""The form for a new API key: it checks the shape, the service checks the rest."""

from __future__ import annotations

from django import forms

from accounts.constants import (
    KEY_DAYS,
    KEY_MAX_LIFE,
    KEY_MESSAGES_PER_MINUTE,
    KEY_MOST_MESSAGES_PER_MINUTE,
    MAX_KEY_NAME,
)
from accounts.models import User
from accounts.scopes import offered_scopes
from accounts.services.api_keys import KeyTerms
from chatsec.core.errors import DomainError

LONGEST_LIST = 2000


class KeyForm(forms.Form):
    """What a key is called, what it may do, how long, how often and from where."""

    name = forms.CharField(
        max_length=MAX_KEY_NAME, help_text="What for: “nightly sales report”."
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than the account itself may at that moment.",
        error_messages={"required": "Choose at least one permission."},
    )
    days = forms.IntegerField(
        label="Days until it expires",
        min_value=1,
        max_value=KEY_MAX_LIFE.days,
        initial=KEY_DAYS,
    )
    messages_per_minute = forms.IntegerField(
        label="Messages a minute",
        min_value=1,
        max_value=KEY_MOST_MESSAGES_PER_MINUTE,
        initial=KEY_MESSAGES_PER_MINUTE,
    )
    networks = forms.CharField(
        label="Only from these networks",
        required=False,
        max_length=LONGEST_LIST,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line, like 192.0.2.0/24 or 2001:db8::/32. Empty: anywhere.",
    )

    def __init__(self, owner: User, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a request's POST, or None
        offered = offered_scopes(owner)
        choices = [(code, f"{name} ({code})") for code, name in offered.items()]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]  # of its choice field

    def terms(self) -> KeyTerms:
        """Return what was filled in as the service takes it."""
        given = dict(self.cleaned_data)
        given["networks"] = given["networks"].split()
        return KeyTerms(**given)


def show_refusal(form: KeyForm, refusal: DomainError) -> None:
    """Put a refusal of the service beside the field that it speaks of."""
    for name, texts in (refusal.fields or {"": [refusal.message]}).items():
        form.add_error(name if name in form.fields else None, texts)

"""Forms of the page "My privacy": they check the shape, services check the rest."""

from __future__ import annotations

from django import forms

from privacy.models import RequestKind


class OpenRequestForm(forms.Form):
    """Which right, and the password where the sign-in is not recent."""

    kind = forms.ChoiceField(label="What do you ask for?", choices=RequestKind.choices)
    password = forms.CharField(
        required=False,
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ConsentForm(forms.Form):
    """A yes or a no, said by the button that was pressed."""

    granted = forms.ChoiceField(choices=[("yes", "Yes"), ("no", "No")])

"""Forms of the sign-in pages: they check the shape, services check the rest."""

from __future__ import annotations

from django import forms

from accounts.constants import MAX_LOGIN_LENGTH, MAX_PASSWORD_LENGTH


class SignInForm(forms.Form):
    """A user name or e-mail address, and the password."""

    username = forms.CharField(
        label="User name or e-mail",
        max_length=MAX_LOGIN_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none"}
        ),
        error_messages={"required": "Please enter your user name or e-mail address."},
    )
    password = forms.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Please enter your password."},
    )


class PasswordForm(forms.Form):
    """The password once more: whoever has the cookie alone does not have it."""

    password = forms.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Please enter your password."},
    )


class CodeForm(forms.Form):
    """A code from the authenticator app."""

    code = forms.RegexField(
        r"\A[0-9]{6}\Z",
        label="Code from your authenticator app",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "maxlength": "6",
            }
        ),
        error_messages={
            "required": "Please enter the code.",
            "invalid": "The code has six digits.",
        },
    )

"""Forms of the sign-in pages: they check the shape, services check the rest."""

from __future__ import annotations

from django import forms

from accounts.constants import (
    MAX_CODE_LENGTH,
    MAX_LOGIN_LENGTH,
    MAX_PASSKEY_LENGTH,
    MAX_PASSWORD_LENGTH,
)
from accounts.models.factors import is_code
from accounts.models.recovery import fold_recovery_code
from accounts.passwords import PasswordPolicy
from chatsec.core import strict_json
from chatsec.core.errors import Json


class SignInForm(forms.Form):
    """A user name or e-mail address, and the password."""

    username = forms.CharField(
        label="User name or e-mail",
        max_length=MAX_LOGIN_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "username webauthn", "autocapitalize": "none"}
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


class ForgottenForm(forms.Form):
    """Whose password is forgotten."""

    username = forms.CharField(
        label="User name or e-mail",
        max_length=MAX_LOGIN_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none"}
        ),
        error_messages={"required": "Please enter your user name or e-mail address."},
    )


class NewPasswordForm(forms.Form):
    """A new password, typed twice: what is typed cannot be seen."""

    password = forms.CharField(
        label="New password",
        strip=False,
        help_text=PasswordPolicy().get_help_text(),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Please choose a password."},
    )
    again = forms.CharField(
        label="New password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Please type the new password again."},
    )

    def clean_again(self) -> str:
        """Refuse a second password that is not the first."""
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError("This is not the same password.")
        return again


class ReplacePasswordForm(NewPasswordForm):
    """A new password in place of one; keys, which no password opens, if wanted."""

    end_keys = forms.BooleanField(required=False)


class ChangePasswordForm(ReplacePasswordForm):
    """The password that is known, and the new one."""

    current = forms.CharField(
        label="Current password",
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Please enter your current password."},
    )
    field_order = ("current", "password", "again")


class InvitationForm(NewPasswordForm):
    """How somebody who was invited wants to be called, and his first password."""

    display_name = forms.CharField(
        label="Your name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Please enter your name."},
    )
    field_order = ("display_name", "password", "again")


class EmailForm(forms.Form):
    """A new e-mail address."""

    email = forms.EmailField(
        label="New e-mail address",
        max_length=MAX_LOGIN_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": "Please enter the new address."},
    )


class CodeForm(forms.Form):
    """A code from the authenticator app, or a recovery code."""

    code = forms.CharField(
        max_length=MAX_CODE_LENGTH,
        label="Code",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
        error_messages={"required": "Please enter the code."},
    )

    def clean_code(self) -> str:
        """Refuse what is no code at all: it would only cost a try."""
        code: str = self.cleaned_data["code"]
        if not is_code(code) and fold_recovery_code(code) is None:
            raise forms.ValidationError(
                "The code has six digits, a recovery code 24 letters and digits."
            )
        return code


class FactorNameForm(forms.Form):
    """What to call a new factor, to know it by among others."""

    name = forms.CharField(
        max_length=64,
        required=False,
        label="Name, such as \u201cwork phone\u201d (optional)",
    )


class AppCodeForm(forms.Form):
    """The first code of a new authenticator app."""

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


class PasskeyForm(forms.Form):
    """What a passkey answered, as the page's script wrote it down."""

    passkey = forms.CharField(max_length=MAX_PASSKEY_LENGTH)
    question_id = forms.CharField(max_length=64, required=False)

    def clean_passkey(self) -> dict[str, Json]:
        """Return the answer as JSON; whether it holds is checked further down."""
        try:
            answer = strict_json.loads(self.cleaned_data["passkey"].encode())
        except strict_json.MalformedJson as error:
            raise forms.ValidationError("This is no answer of a passkey.") from error
        if not isinstance(answer, dict):
            raise forms.ValidationError("This is no answer of a passkey.")
        return answer


class NewPasskeyForm(PasskeyForm, FactorNameForm):
    """A new passkey, and what to call it."""


class TicketForm(PasskeyForm):
    """A passkey's answer to the question that the ticket remembers."""

    ticket = forms.CharField(max_length=256)

"""What administrators fill in; each form is checked by the rules of the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from chatsec.core.errors import DomainError
from rbac.models import Assignment, Role, RoleGrant
from rbac.services.roles import GrantDefinition, problems_of

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    RoleModelForm = forms.ModelForm[Role]
    GrantModelForm = forms.ModelForm[RoleGrant]
    AssignmentModelForm = forms.ModelForm[Assignment]
else:
    RoleModelForm = GrantModelForm = AssignmentModelForm = forms.ModelForm

CONDITION_ROWS = forms.Textarea(attrs={"rows": 3, "cols": 26, "spellcheck": "false"})


class RoleForm(RoleModelForm):
    """A role without its grants."""

    # Set while a filled-in form is shown again: it is not saved, whatever it holds.
    is_held = False
    refusal: DomainError | None = None

    class Meta:
        model = Role
        fields = (
            "name",
            "label",
            "description",
            "is_break_glass",
            "requires_factor",
        )
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def is_valid(self) -> bool:
        """Whether it may be saved now."""
        return super().is_valid() and not self.is_held

    def clean(self) -> None:
        """Show why the service refused, beside the field or named after it."""
        super().clean()
        if self.refusal is None:
            return
        for name, texts in (
            self.refusal.fields or {"": [self.refusal.message]}
        ).items():
            place = name if name in self.fields else None
            self.add_error(place, [_placed(name, text) for text in texts])


def _placed(name: str, message: str) -> str:
    """Return the message with the number of the grant that it is about."""
    parts = name.split(".")
    if parts[0] == "grants" and len(parts) > 1:
        return f"Grant {int(parts[1]) + 1}: {message}"
    return message


class GrantForm(GrantModelForm):
    """One grant; a condition that cannot be read is an error with its position."""

    columns = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.TextInput(attrs={"size": 12}),
        help_text="Names separated by commas; empty for all. Masked: salary:last4.",
    )

    class Meta:
        model = RoleGrant
        fields = (
            "code",
            "effect",
            "condition",
            "row_filter",
            "columns",
            "requires_step_up",
        )
        widgets = {
            "code": forms.TextInput(attrs={"size": 20}),
            "condition": CONDITION_ROWS,
            "row_filter": CONDITION_ROWS,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = self.instance.columns
        self.initial["columns"] = ", ".join(columns) if columns else ""

    def clean_columns(self) -> list[str] | None:
        """Return the names, or None for all."""
        names = [name.strip() for name in self.cleaned_data["columns"].split(",")]
        return [name for name in names if name] or None

    def clean(self) -> None:
        """Show what the service would refuse beside the field."""
        super().clean()
        if self.errors:
            return
        for name, messages in problems_of(self.definition()).items():
            self.add_error("code" if name == "permission" else name, messages)

    def definition(self) -> GrantDefinition:
        """Return the grant as the service takes it."""
        given = self.cleaned_data
        columns = given["columns"]
        return GrantDefinition(
            permission=given["code"],
            effect=given["effect"],
            condition=given["condition"],
            row_filter=given["row_filter"],
            columns=None if columns is None else tuple(columns),
            requires_step_up=given["requires_step_up"],
        )


class AssignForm(AssignmentModelForm):
    """A role for somebody, with the reason that evidence will keep."""

    class Meta:
        model = Assignment
        fields = ("user", "role", "valid_from", "valid_until", "reason")


class RevokeForm(AssignmentModelForm):
    """Taking a role away: nothing of the assignment changes but that it ends."""

    ending_reason = forms.CharField(
        label="Reason to take it away",
        max_length=500,
        help_text="Saving ends the assignment now. It stays in the history.",
    )

    class Meta:
        model = Assignment
        fields = ()

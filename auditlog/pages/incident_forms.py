"""What is asked of those who deal with incidents and say who hears of them."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from auditlog.addresses import MAX_ADDRESS
from auditlog.constants import CHANNELS, MAX_NOTE, SEVERITIES, VERDICTS
from auditlog.models import Route
from auditlog.models.choices import choices
from auditlog.services.routing import MAX_NAME, Terms

CHANNEL_NAMES = {
    "mail": "Mail",
    "slack": "Slack or Mattermost (incoming webhook)",
    "webhook": "Signed webhook",
}
NOTE = "Sealed under the key of the person that the incident is about."


class NoteForm(forms.Form):
    """What somebody found out."""

    text = forms.CharField(
        label="Note",
        max_length=MAX_NOTE,
        widget=forms.Textarea({"rows": 3}),
        help_text=NOTE,
    )


class ResolveForm(forms.Form):
    """What it turned out to be."""

    verdict = forms.ChoiceField(
        choices=[("", "Choose ..."), *choices(VERDICTS)],
        help_text=(
            "A true positive was what the rule looks for; a false positive was not;"
            " benign was, and was allowed."
        ),
    )
    note = forms.CharField(
        required=False,
        max_length=MAX_NOTE,
        widget=forms.Textarea({"rows": 3}),
        help_text=NOTE,
    )
    # Of how many the one who presses the button was told; none: nothing becomes known.
    differences = forms.IntegerField(
        required=False, min_value=0, widget=forms.HiddenInput
    )


class RouteForm(forms.Form):
    """Who is told, over what, of what, and when."""

    name = forms.CharField(max_length=MAX_NAME)
    channel = forms.ChoiceField(
        choices=[(name, CHANNEL_NAMES[name]) for name in CHANNELS]
    )
    address = forms.CharField(
        required=False,
        max_length=MAX_ADDRESS,
        help_text="A mail address, or the https address of the webhook.",
    )
    minimal_severity = forms.ChoiceField(
        label="From severity", choices=choices(SEVERITIES), initial="warning"
    )
    starts_at = forms.TimeField(
        label="Told from",
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text="In the organisation's time zone; empty: at any hour.",
    )
    ends_at = forms.TimeField(
        label="Told until",
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text="Messages outside of these hours wait for them.",
    )
    weekdays_only = forms.BooleanField(label="Monday to Friday only", required=False)
    is_enabled = forms.BooleanField(
        label="Switched on",
        required=False,
        initial=True,
        help_text="Switched off, what waits is forgotten.",
    )

    def __init__(
        self, sent: QueryDict | None = None, *, route: Route | None = None
    ) -> None:
        super().__init__(sent, initial=_initial(route))
        if route is not None:
            self.fields["address"].help_text = "Empty: stays as it is."

    def terms(self) -> Terms:
        """Return what was asked for."""
        return Terms(**self.cleaned_data)


def _initial(route: Route | None) -> dict[str, object]:
    if route is None:
        return {}
    kept = ("name", "channel", "minimal_severity", "starts_at", "ends_at")
    flags = ("weekdays_only", "is_enabled")
    return {name: getattr(route, name) for name in (*kept, *flags)}

"""What is asked of those who tune detection."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from auditlog.constants import (
    LONGEST_EXCEPTION,
    LONGEST_WINDOW,
    RULE_GROUPS,
    RULE_KINDS,
    SEVERITIES,
)
from auditlog.models import DetectionRule
from auditlog.models.choices import choices
from auditlog.runbooks import RUNBOOKS
from auditlog.selectors import find_pseudonym
from auditlog.services.detection import RuleTerms
from auditlog.services.detection.changing import COLUMNS, MAX_REASON
from auditlog.services.detection.exempting import Exempted
from chatsec.core.errors import Json
from chatsec.core.strict_json import MalformedJson, loads

MAX_PARAMETERS = 4000
# Alerts, incidents and messages to other systems repeat it.
CLEAR = "Do not name people: this text is not sealed, and messages carry it."
OUTDATED = "Open the page anew: this form does not say which version it shows."
DAYS = [(1, "day"), (7, "7 days"), (30, "30 days"), (90, "90 days")]


class StrictDecoder(json.JSONDecoder):
    """Takes what the API takes: what no column or page could hold is no JSON."""

    def decode(self, s: str, _w: Callable[..., object] | None = None) -> Json:
        """Return the value; raise JSONDecodeError, which is what fields understand."""
        try:
            return loads(s.encode("utf-8", "surrogatepass"))
        except MalformedJson as error:
            raise json.JSONDecodeError(str(error), s, 0) from error


class WhyForm(forms.Form):
    """Why a rule is changed, and what it was like when that was decided."""

    version = forms.IntegerField(
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid"), OUTDATED),
    )
    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON,
        help_text="Kept with the change, sealed under your own key.",
    )


class RuleForm(WhyForm):
    """A rule, its parameters as JSON, and why."""

    name = forms.SlugField(
        max_length=60, help_text="Alerts keep it, so it never changes."
    )
    title = forms.CharField(max_length=120, help_text=CLEAR)
    suspicion = forms.CharField(max_length=200, required=False, help_text=CLEAR)
    kind = forms.ChoiceField(choices=choices(RULE_KINDS))
    parameters = forms.JSONField(
        decoder=StrictDecoder,
        # An empty object, where JSON's own word for nothing would be shown.
        initial=dict,
        widget=forms.Textarea(
            {"rows": 8, "spellcheck": "false", "class": "audit-code"}
        ),
        help_text="What the kind is told, as JSON.",
    )
    window_seconds = forms.IntegerField(
        label="Window in seconds",
        min_value=1,
        max_value=int(LONGEST_WINDOW.total_seconds()),
    )
    group = forms.ChoiceField(label="Group by", choices=choices(RULE_GROUPS))
    severity = forms.ChoiceField(choices=choices(SEVERITIES), initial="warning")
    runbook = forms.ChoiceField(
        choices=[(key, book.title) for key, book in RUNBOOKS.items()]
    )
    risk = forms.IntegerField(
        initial=0,
        min_value=0,
        max_value=100,
        help_text="0: opens an alert. Above: only adds so much to the person's risk.",
    )
    is_enabled = forms.BooleanField(label="Switched on", required=False, initial=True)

    def __init__(self, *args: object, rule: DetectionRule | None = None) -> None:
        initial = {name: getattr(rule, name) for name in COLUMNS} if rule else {}
        if rule is not None:
            initial["version"] = rule.version
        super().__init__(*args, initial=initial)  # type: ignore[misc,arg-type]  # data only
        del self.fields["version" if rule is None else "name"]
        # Last, where one has decided.
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean_parameters(self) -> dict[str, object]:
        """Refuse what is no object, and what nobody would write by hand."""
        given = self.cleaned_data["parameters"]
        if not isinstance(given, dict):
            raise ValidationError("An object: { ... }")
        if len(str(given)) > MAX_PARAMETERS:
            raise ValidationError("Too long.")
        return given

    def terms(self) -> RuleTerms:
        """Return what the form says, without the name."""
        return RuleTerms(**{name: self.cleaned_data[name] for name in COLUMNS})


class ExceptionForm(forms.Form):
    """Whom a rule leaves out, why, and until when."""

    account = forms.CharField(
        max_length=254, required=False, help_text="User name or pseudonym."
    )
    network = forms.RegexField(
        regex=r"^[0-9a-f]{32}$",
        required=False,
        help_text="As events show it: 32 hexadecimal digits.",
        error_messages={"invalid": "32 hexadecimal digits."},
    )
    actor_kind = forms.ChoiceField(
        label="Kind of account",
        required=False,
        choices=[("", "-"), ("service", "every service account")],
    )
    reason = forms.CharField(
        max_length=200,
        help_text="Sealed, under the key of the account if one is named above.",
    )
    expires_on = forms.DateField(
        label="Counts until", widget=forms.DateInput({"type": "date"})
    )

    def clean_account(self) -> object:
        """Return the account's pseudonym, or None where none is named."""
        name = self.cleaned_data["account"]
        if not name:
            return None
        found = find_pseudonym(name)
        if found is None:
            raise ValidationError("There is no such account.")
        return found

    def clean_expires_on(self) -> datetime:
        """Return the end of the day; within a year."""
        chosen = self.cleaned_data["expires_on"]
        now = timezone.now()
        if not now.date() <= chosen < (now + LONGEST_EXCEPTION).date():
            raise ValidationError("From today on, and within a year.")
        after = chosen + timedelta(days=1)
        return timezone.make_aware(datetime.combine(after, time.min))

    def whom(self) -> Exempted:
        """Return whom the exception is about."""
        network = self.cleaned_data["network"]
        return Exempted(
            actor_pseudonym=self.cleaned_data["account"],
            network_hash=bytes.fromhex(network) if network else None,
            actor_kind=self.cleaned_data["actor_kind"],
        )


class TrialForm(forms.Form):
    """Over how much of the past a rule is tried."""

    days = forms.TypedChoiceField(choices=DAYS, coerce=int, label="Over the last")

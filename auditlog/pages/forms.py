"""The search form; what its words mean is decided by `read_filters`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from django import forms

from auditlog.constants import CATEGORIES, OUTCOMES, SEVERITIES
from auditlog.models.saved_search import MAX_NAME
from auditlog.registry import event_types
from auditlog.selectors.filters import CHANNELS, MAX_WORD

Choice = tuple[str, str | list[tuple[str, str]]]
PERIOD_NAMES = {
    "hour": "Last hour",
    "day": "Last 24 hours",
    "week": "Last 7 days",
    "month": "Last 30 days",
    "quarter": "Last 90 days",
    "year": "Last 365 days",
}


def _choices(words: Iterable[str]) -> list[Choice]:
    return [("", "any"), *((word, word.replace("_", " ")) for word in words)]


def _types() -> list[Choice]:
    """Return every registered type, by category."""
    ordered = sorted(
        event_types().values(), key=lambda kind: (kind.category, kind.name)
    )
    groups: list[Choice] = [("", "any")]
    for category, kinds in groupby(ordered, key=lambda kind: kind.category):
        names = [(kind.name, kind.name) for kind in kinds]
        groups.append((category.replace("_", " "), names))
    return groups


def _word(label: str, *, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=MAX_WORD, help_text=help_text
    )


def _moment(label: str) -> forms.CharField:
    clock = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"})
    return forms.CharField(label=label, required=False, max_length=40, widget=clock)


class SaveForm(forms.Form):
    """A name for the search that is shown."""

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    is_shared = forms.BooleanField(label="Show it to every auditor", required=False)


class SearchForm(forms.Form):
    """The filters, as a page shows them; names are those of the API."""

    q = _word("Find", help_text="An event id, a request id, or a user name")
    actor = _word("Actor", help_text="A user name, an id, or a pseudonym")
    type = forms.ChoiceField(label="Event", required=False)
    outcome = forms.ChoiceField(required=False, choices=_choices(OUTCOMES))
    severity = forms.ChoiceField(required=False, choices=_choices(SEVERITIES))
    category = forms.ChoiceField(required=False, choices=_choices(CATEGORIES))
    since = _moment("From (UTC)")
    until = _moment("Until (UTC)")
    period = forms.ChoiceField(
        required=False, choices=[("", "all"), *PERIOD_NAMES.items()]
    )
    resource = _word("Resource", help_text="A type, or type:id")
    request_id = _word("Request id")
    classification = _word("Classification")
    channel = forms.ChoiceField(required=False, choices=_choices(CHANNELS))
    country = _word("Country", help_text="Two letters")
    same_session = _word("Same session as event")
    same_device = _word("Same device as event")
    same_address = _word("Same address as event")
    same_network = _word("Same network as event")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["type"] = forms.ChoiceField(
            label="Event", required=False, choices=_types()
        )

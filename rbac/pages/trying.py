"""Trying a condition on somebody before it is saved."""

from __future__ import annotations

from typing import NamedTuple

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from accounts.models import User
from accounts.selectors import get_user_by_name_or_id
from chatsec.core.admin_pages import guarded, render
from chatsec.core.context import ANONYMOUS
from chatsec.core.errors import NotFound
from rbac.constants import EXPLAIN, MANAGE_ROLES
from rbac.pages.attributes import Attributes, AttributesField
from rbac.policy import ConditionError, parse_condition
from rbac.services import as_actor
from rbac.services.deciding import question_of

WORDS = {True: "true", False: "false", None: "unknown"}
MEANINGS = {
    True: "A grant counts here; a deny refuses.",
    False: "A grant does not count here; nor does a deny.",
    None: "A grant does not count here; a deny refuses.",
}


class Verdict(NamedTuple):
    """What a condition comes to."""

    word: str
    text: str


class TryForm(forms.Form):
    """A condition, somebody, and what is known of the object."""

    text = forms.CharField(
        label="Condition or row filter",
        max_length=4096,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="For example: resource.region == user.region && context.hour >= 9",
    )
    user = forms.CharField(
        label="Person",
        max_length=254,
        required=False,
        help_text="User name; empty for nobody.",
    )
    attributes = AttributesField(
        label="Attributes",
        help_text="One a line: region=north is the object's, context.hour=10 the"
        " request's.",
    )

    def clean_text(self) -> str:
        """Refuse what cannot be read, with the position."""
        text = str(self.cleaned_data["text"]).strip()
        try:
            parse_condition(text)
        except ConditionError as error:
            raise forms.ValidationError(str(error)) from error
        return text

    def clean_user(self) -> User | None:
        """Return the person, or None for nobody."""
        name = self.cleaned_data["user"]
        if not name:
            return None
        try:
            return get_user_by_name_or_id(name)
        except NotFound as error:
            raise forms.ValidationError(error.message) from error


@guarded(MANAGE_ROLES)
def try_condition(request: HttpRequest) -> HttpResponseBase:
    """Say what a condition comes to for somebody; as JSON for the page's script."""
    form = _asked(request)
    verdict = verdict_of(form) if form.is_bound and form.is_valid() else None
    if request.headers.get("accept") == "application/json":
        return _as_json(form, verdict)
    context = {"form": form, "verdict": verdict}
    return render(request, "rbac/try.html", "Try a condition", context)


def _asked(request: HttpRequest) -> TryForm:
    # Somebody's attributes can be guessed by trying: that is explaining.
    if request.GET.get("user") and not request.user.has_perm(f"rbac.{EXPLAIN}"):
        raise PermissionDenied
    return TryForm(request.GET if "text" in request.GET else None)


def verdict_of(form: TryForm) -> Verdict:
    """Return what the condition comes to, by the code that decides."""
    given = form.cleaned_data
    typed: Attributes = given["attributes"]
    actor = as_actor(given["user"]) if given["user"] else ANONYMOUS
    bindings = question_of(
        actor, "", resource=typed.resource, context=typed.context
    ).bindings
    condition = parse_condition(given["text"])
    answer = condition.evaluate(bindings)
    text = MEANINGS[answer]
    if answer is None and (missing := condition.missing(bindings)):
        text = f"Not known: {', '.join(missing)}. {text}"
    elif values := condition.values(bindings):
        text = f"Here {values}. {text}"
    return Verdict(WORDS[answer], text)


def _as_json(form: TryForm, verdict: Verdict | None) -> JsonResponse:
    if verdict is not None:
        return JsonResponse(verdict._asdict())
    texts = [str(text) for field in form.errors.values() for text in field]
    return JsonResponse({"word": "error", "text": " ".join(texts)})

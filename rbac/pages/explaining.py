"""Why somebody may or may not: the decision itself, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts.models import User
from accounts.selectors import get_user_by_name_or_id
from chatsec.core.admin_pages import guarded, render
from chatsec.core.errors import NotFound
from rbac import selectors
from rbac.constants import EXPLAIN
from rbac.models import Assignment
from rbac.pages.attributes import Attributes, AttributesField
from rbac.policy import Decision, Reason
from rbac.policy.scopes import Part, scope_of
from rbac.services import as_actor, decide
from rbac.services.deciding import question_of

ANSWERS = {
    "allow": "Yes",
    "deny": "No",
    "step_up": "Only after a second factor is shown again",
}


class ExplainForm(forms.Form):
    """Somebody, a permission, an object, and a moment."""

    user = forms.CharField(
        max_length=254, label="Person", help_text="User name, e-mail address or id."
    )
    permission = forms.ChoiceField()
    attributes = AttributesField(
        label="Object",
        help_text="One attribute a line: region=north. What is known of the request"
        " can be changed too: context.hour=10. Empty asks in general.",
    )
    at = forms.DateTimeField(
        required=False,
        label="When (UTC)",
        help_text="Empty for now.",
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        ),
    )

    def __init__(self, *args: object, codes: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        # What questions ask for comes first, the admin's own pages after it.
        domain = [(code, code) for code in codes if "." not in code]
        pages = [(code, code) for code in codes if "." in code]
        choices = [("Permissions", domain), ("Pages of the admin site", pages)]
        self.fields["permission"] = forms.ChoiceField(choices=choices)

    def clean_user(self) -> User:
        """Return the person."""
        try:
            return get_user_by_name_or_id(self.cleaned_data["user"])
        except NotFound as error:
            raise forms.ValidationError(error.message) from error


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer with everything that led to it."""

    user: User
    decision: Decision
    answer: str
    steps: tuple[tuple[Reason, tuple[str, ...]], ...]
    assignments: tuple[Assignment, ...]
    parts: tuple[Part, ...]


@guarded(EXPLAIN)
def explain(request: HttpRequest) -> HttpResponseBase:
    """Say whether somebody may do something at a time, and why."""
    form = ExplainForm(request.GET or None, codes=selectors.list_codes())
    asked = {"user", "permission"} <= request.GET.keys()
    if not asked:
        # A link that names the person alone fills in the field and asks nothing yet.
        form = ExplainForm(initial=request.GET.dict(), codes=selectors.list_codes())
    found = explanation_of(form) if asked and form.is_valid() else None
    context = {"form": form, "found": found}
    return render(request, "rbac/explain.html", "Explain a permission", context)


def explanation_of(form: ExplainForm) -> Explanation:
    """Return the decision on what was filled in, by the code that decides."""
    given = form.cleaned_data
    user, at = given["user"], given["at"]
    typed: Attributes = given["attributes"]
    decision = decide(
        as_actor(user),
        given["permission"],
        resource=typed.resource or None,
        context=typed.context,
        at=at,
    )
    labels = dict(selectors.list_roles().values_list("name", "label"))
    return Explanation(
        user=user,
        decision=decision,
        answer=ANSWERS[decision.outcome],
        steps=tuple(
            (reason, _path(user, reason, labels)) for reason in decision.reasons
        ),
        assignments=_assignments(user, at or timezone.now()),
        parts=_parts(user, decision, at) if decision.is_allowed else (),
    )


def _path(user: User, reason: Reason, labels: dict[str, str]) -> tuple[str, ...]:
    """Return the way from the person to what the grant names."""
    if not reason.path:
        return ()
    roles = (labels.get(name, name) for name in reason.path)
    return (user.username, *roles, reason.grant)


def _assignments(user: User, at: datetime) -> tuple[Assignment, ...]:
    rows = selectors.list_live_assignments(user.pk, now=at).filter(valid_from__lte=at)
    return tuple(rows.select_related("role", "granted_by").order_by("role__label"))


def _parts(user: User, decision: Decision, at: datetime | None) -> tuple[Part, ...]:
    """Return which rows and columns the permission shows; nothing said shows all."""
    code = decision.permission
    question = question_of(as_actor(user), code, context={"now": at} if at else None)
    entry = selectors.entry_for(user, at=at)
    parts = scope_of(entry.covering(code), question).grants
    return () if Part() in parts else parts

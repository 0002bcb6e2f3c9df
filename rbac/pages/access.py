"""The page "My roles": what I have, asking for more, and emergencies."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.selectors import actor_for_session
from accounts.services import challenges, sign_in
from chatsec.core.context import Actor, current_actor
from chatsec.core.errors import DomainError
from rbac import governance_selectors
from rbac.models import Role
from rbac.services import break_glass, requests
from rbac.services.deciding import STEP_UP_LASTS

OPERATION = "break-glass"
SHOWN = 20
DURATIONS = [
    (3600, "1 hour"),
    (8 * 3600, "8 hours"),
    (86_400, "1 day"),
    (7 * 86_400, "1 week"),
    (30 * 86_400, "30 days"),
    (90 * 86_400, "90 days"),
]


if TYPE_CHECKING:
    RoleField = forms.ModelChoiceField[Role]
else:
    RoleField = forms.ModelChoiceField


class RoleChoice(RoleField):
    """Roles by what people call them, and what they are for."""

    def label_from_instance(self, obj: Role) -> str:
        """Return label and description."""
        return f"{obj.label}: {obj.description}" if obj.description else obj.label


class AskForm(forms.Form):
    """A wish for a role."""

    role = RoleChoice(queryset=Role.objects.none(), to_field_name="name")
    duration = forms.TypedChoiceField(
        label="For how long", choices=DURATIONS, coerce=int, initial=86_400
    )
    reason = forms.CharField(label="What for", max_length=500)

    def __init__(self, *args: object, person: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = cast("RoleChoice", self.fields["role"])
        now = timezone.now()
        field.queryset = governance_selectors.list_requestable_roles(person.pk, now=now)


class EmergencyForm(forms.Form):
    """An emergency role, with a code unless one was shown just now."""

    emergency_role = RoleChoice(
        label="Role", queryset=Role.objects.none(), to_field_name="name"
    )
    emergency_reason = forms.CharField(label="What happened", max_length=500)
    code = forms.CharField(
        label="Code of the authenticator app",
        max_length=16,
        required=False,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}
        ),
    )

    def __init__(self, *args: object, person: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = cast("RoleChoice", self.fields["emergency_role"])
        field.queryset = governance_selectors.list_eligible_roles(
            person.pk, now=timezone.now()
        )


@login_required
@never_cache
@require_safe
def access_page(request: HttpRequest) -> HttpResponse:
    """Show one's own roles, requests and emergencies."""
    person = _person(request)
    return _page(request, AskForm(person=person), EmergencyForm(person=person))


@login_required
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a role."""
    person = _person(request)
    form = AskForm(request.POST, person=person)
    if form.is_valid():
        try:
            requests.request_access(
                current_actor(),
                user=person,
                role=form.cleaned_data["role"].name,
                reason=form.cleaned_data["reason"],
                duration=timedelta(seconds=form.cleaned_data["duration"]),
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "Sent. An administrator decides.")
            return redirect("access")
    return _page(request, form, EmergencyForm(person=person), status=400)


@login_required
@require_POST
def cancel(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take one's own request back."""
    try:
        requests.cancel_request(current_actor(), request_id=request_id)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "Taken back.")
    return redirect("access")


@sensitive_post_parameters("code")
@login_required
@require_POST
def break_the_glass(request: HttpRequest) -> HttpResponse:
    """Activate an emergency role, after a code."""
    person = _person(request)
    form = EmergencyForm(request.POST, person=person)
    if form.is_valid():
        try:
            made = break_glass.activate(
                _stepped_up(request, form.cleaned_data["code"]),
                user=person,
                role=form.cleaned_data["emergency_role"].name,
                reason=form.cleaned_data["emergency_reason"],
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            until = f"{made.ends_at:%H:%M} UTC"
            messages.warning(request, f"{made.role.label} is active until {until}.")
            return redirect("access")
    return _page(request, AskForm(person=person), form, status=400)


@login_required
@require_POST
def mend_the_glass(request: HttpRequest, activation_id: UUID) -> HttpResponse:
    """End an emergency before its time."""
    try:
        break_glass.end_activation(current_actor(), activation_id=activation_id)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "The emergency role is given back.")
    return redirect("access")


def _stepped_up(request: HttpRequest, code: str) -> Actor:
    """Return the actor after the code, or as he is if there is none to check."""
    actor = current_actor()
    if not code:
        return actor
    # In no transaction: a wrong code must stay counted.
    challenge = challenges.start(actor, operation=OPERATION)
    answered = challenges.complete(
        challenge.id, actor=actor, operation=OPERATION, code=code
    )
    sign_in.rotate_browser_session(request)
    session = answered.challenge.session
    return actor if session is None else actor_for_session(session, actor.channel)


def _page(
    request: HttpRequest, form: AskForm, emergency: EmergencyForm, *, status: int = 200
) -> HttpResponse:
    person, now = _person(request), timezone.now()
    own_requests = governance_selectors.list_access_requests().filter(requester=person)
    emergencies = governance_selectors.list_active_emergencies(now=now)
    field = cast("RoleChoice", emergency.fields["emergency_role"])
    shown = {
        "form": form,
        "emergency_form": emergency if field.queryset else None,
        "needs_code": not current_actor().stepped_up_within(STEP_UP_LASTS, now=now),
        "roles": governance_selectors.list_roles_of(person.pk, now=now),
        "requests": [(row, row.is_open_at(now)) for row in own_requests[:SHOWN]],
        "emergencies": emergencies.filter(user=person),
        "now": now,
    }
    return render(request, "rbac/access.html", shown, status=status)


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)

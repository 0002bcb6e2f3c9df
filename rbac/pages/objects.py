"""Who holds what on one object, beside his roles; giving and taking it."""

# ruff: noqa: SLF001 - `_meta` and `_default_manager` are Django's documented names
from __future__ import annotations

from uuid import UUID

from django import forms
from django.apps import apps
from django.contrib import messages
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from accounts.models import User
from accounts.selectors import get_user_by_name_or_id
from chatsec.core.admin_pages import guarded, render, show_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import DomainError, NotFound
from rbac import selectors
from rbac.constants import MANAGE_ROLES
from rbac.models import Role
from rbac.object_tables import list_holders
from rbac.services import grant_object, revoke_object

GIVE, TAKE = "give", "take"
PLACES = {
    "exceeds_own_permissions": "permission",
    "already_granted": "to",
    "not_found": "to",
}


class ObjectPermissionForm(forms.Form):
    """A permission on the object, for a person or a role, and why."""

    action = forms.ChoiceField(
        label="What", choices=[(GIVE, "Give"), (TAKE, "Take back")]
    )
    permission = forms.ChoiceField()
    kind = forms.ChoiceField(
        label="To", choices=[("person", "a person"), ("role", "a role")]
    )
    to = forms.CharField(
        label="Name", max_length=254, help_text="A user name or the name of a role."
    )
    reason = forms.CharField(max_length=500, help_text="Kept as evidence.")

    def __init__(
        self, *args: object, codes: list[tuple[str, str]], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["permission"] = forms.ChoiceField(choices=codes)

    def clean(self) -> None:
        """Find whom it is about."""
        super().clean()
        name = self.cleaned_data.get("to", "")
        if self.errors or not name:
            return
        try:
            self.cleaned_data["holder"] = self._holder(name)
        except NotFound as error:
            self.add_error("to", error.message)

    def _holder(self, name: str) -> User | Role:
        if self.cleaned_data["kind"] == "role":
            return selectors.get_role(name)
        return get_user_by_name_or_id(name)


@guarded(MANAGE_ROLES)
def object_permissions(
    request: HttpRequest, *, label: str, pk: UUID
) -> HttpResponseBase:
    """Show who holds what on the object; give or take a permission."""
    obj = _object(label, pk)
    asked = {name: request.GET.get(name, "") for name in ("action", "kind", "to")}
    initial = {name: value for name, value in asked.items() if value}
    form = ObjectPermissionForm(
        request.POST or None, codes=_codes(type(obj)), initial=initial
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        change = grant_object if given["action"] == GIVE else revoke_object
        try:
            change(
                current_actor(),
                obj=obj,
                permission=given["permission"],
                to=given["holder"],
                reason=given["reason"],
            )
        except DomainError as refusal:
            show_refusal(form, refusal, fields=PLACES)
        else:
            done = "Given to" if given["action"] == GIVE else "Taken back from"
            messages.success(request, f"{done} {given['to']}.")
            return HttpResponseRedirect(request.path)
    context = {"form": form, "object": obj, "holders": list_holders(obj)}
    title = f"Permissions on {obj._meta.verbose_name} {obj}"
    return render(request, "rbac/object_permissions.html", title, context)


def _object(label: str, pk: UUID) -> Model:
    """Return the object if permissions on its kind are given here."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise Http404 from error
    if not getattr(model, "object_permissions", ()):
        raise Http404
    found: Model | None = model._default_manager.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _codes(model: type[Model]) -> list[tuple[str, str]]:
    wanted = getattr(model, "object_permissions", ())
    kind = ContentType.objects.get_for_model(model)
    rows = Permission.objects.filter(content_type=kind, codename__in=wanted)
    app = model._meta.app_label
    return [(f"{app}.{row.codename}", row.name) for row in rows.order_by("name")]

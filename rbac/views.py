"""The permission matrix and "why may he": pages of the admin site."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from accounts.models import User
from accounts.selectors import get_user_by_name_or_id
from chatsec.core.errors import NotFound
from rbac import selectors
from rbac.constants import EXPLAIN, VIEW_MATRIX
from rbac.policy.matrix import Cell
from rbac.services import as_actor, decide

Page = Callable[[HttpRequest], HttpResponseBase]


def guarded(code: str) -> Callable[[Page], Page]:
    """Put a page behind the admin site's door and one permission."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        def inner(request: HttpRequest) -> HttpResponseBase:
            if not request.user.has_perm(f"rbac.{code}"):
                raise PermissionDenied
            return page(request)

        @wraps(page)
        def outer(request: HttpRequest) -> HttpResponseBase:
            # The site is asked at the call: it does not exist yet at import.
            return admin.site.admin_view(inner)(request)

        return outer

    return decorate


@guarded(VIEW_MATRIX)
def matrix(request: HttpRequest) -> HttpResponseBase:
    """Show roles by permissions; a chosen cell says where it comes from."""
    found = selectors.permission_matrix()
    chosen = (request.GET.get("permission"), request.GET.get("role"))
    why: tuple[str, Cell] | None = None
    for row in found.rows:
        for cell in row.cells:
            if (row.code, cell.role) == chosen:
                why = (row.code, cell)
    return TemplateResponse(
        request,
        "rbac/matrix.html",
        {
            **admin.site.each_context(request),
            "title": "Permission matrix",
            "roles": found.roles,
            "rows": [(row, found.names[row.code]) for row in found.rows],
            "why": why,
        },
    )


class ExplainForm(forms.Form):
    """Somebody, a permission, and a moment."""

    user = forms.CharField(max_length=254, label="User name or id")
    permission = forms.ChoiceField()
    at = forms.DateTimeField(
        required=False, label="When (UTC)", help_text="Empty for now."
    )

    def __init__(self, *args: object, codes: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["permission"] = forms.ChoiceField(choices=[(c, c) for c in codes])

    def clean_user(self) -> User:
        """Return the person."""
        try:
            return get_user_by_name_or_id(self.cleaned_data["user"])
        except NotFound as error:
            raise forms.ValidationError(error.message) from error


@guarded(EXPLAIN)
def explain(request: HttpRequest) -> HttpResponseBase:
    """Say whether somebody may do something at a time, and why."""
    codes = selectors.list_codes()
    form = ExplainForm(request.GET or None, codes=codes)
    decision = None
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        actor = as_actor(asked["user"])
        decision = decide(actor, asked["permission"], at=asked["at"])
    return TemplateResponse(
        request,
        "rbac/explain.html",
        {
            **admin.site.each_context(request),
            "title": "Explain a permission",
            "form": form,
            "decision": decision,
        },
    )

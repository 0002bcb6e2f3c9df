"""Who may open a page, what every page shows, and how a refusal is worded there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from chatsec.core.errors import Denied, DomainError
from chatsec.core.evidence import note_denial

# Generic for the type checker only: Django's classes take no parameters at run time.
if TYPE_CHECKING:
    Pages = admin.ModelAdmin[Any]
else:
    Pages = admin.ModelAdmin

# A page that needs the whole width.
WIDE = {"is_nav_sidebar_enabled": False}
Page = Callable[..., HttpResponseBase]


def guarded(code: str) -> Callable[[Page], Page]:
    """Put a page behind the admin site's door and one permission."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        def inner(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
            if not request.user.has_perm(f"rbac.{code}"):
                raise Denied("You may not open this page.", required=code)
            return page(request, **kwargs)

        @wraps(page)
        def outer(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
            # The site is asked at the call: it does not exist yet at import.
            return admin.site.admin_view(inner)(request, **kwargs)

        return outer

    return decorate


def render(
    request: HttpRequest, template: str, title: str, context: Mapping[str, object]
) -> TemplateResponse:
    """Return a page of the admin site."""
    common = admin.site.each_context(request)
    return TemplateResponse(request, template, {**common, "title": title, **context})


def show_refusal(
    form: forms.BaseForm, refusal: DomainError, *, fields: Mapping[str, str]
) -> None:
    """Put a service's refusal beside the field that it speaks of; note a denial.

    `fields` maps what the service calls a field, or the refusal's code, to the form's.
    """
    refusal = note_denial(refusal)
    texts = refusal.fields or {refusal.code: [refusal.message]}
    for name, said in texts.items():
        place = fields.get(name, name)
        form.add_error(place if place in form.fields else None, said)


def tell_refusal(
    request: HttpRequest, refusal: DomainError, *, about: str = ""
) -> None:
    """Show why a service refused, on the page that comes next; note a denial."""
    refusal = note_denial(refusal)
    details = [
        f"{name.replace('_', ' ')}: {text}"
        for name, texts in refusal.fields.items()
        for text in texts
    ]
    text = " ".join([refusal.message, *details])
    messages.error(request, f"{about}: {text}" if about else text)


class RefusalsShown(Pages):
    """Shows what a service refused; its transaction is rolled back."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, or why it was refused."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            return self.refused(request, refusal)

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Delete, or show why it was refused."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as refusal:
            return self.refused(request, refusal)

    def refused(self, request: HttpRequest, refusal: DomainError) -> HttpResponse:
        """Return to the same page, which says why."""
        tell_refusal(request, refusal)
        return HttpResponseRedirect(request.path)

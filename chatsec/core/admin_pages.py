"""Who may open a page, what every page shows, and how a refusal is worded there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from chatsec.core.errors import Denied, DomainError
from chatsec.core.evidence import note_denial

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
    for name, messages in texts.items():
        place = fields.get(name, name)
        form.add_error(place if place in form.fields else None, messages)

"""Who is told of incidents: the routes, in the admin site."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from auditlog import selectors
from auditlog.models import Route
from auditlog.pages.incident_forms import RouteForm
from auditlog.routes import shown_address
from auditlog.services import routing
from chatsec.core.admin_pages import guarded, render, show_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import Conflict, Invalid

MANAGE = "manage_incidents"


@guarded(MANAGE)
def route_list(request: HttpRequest) -> HttpResponseBase:
    """Show every route and whether messages arrive there."""
    context = {"rows": selectors.read_routes()}
    return render(request, "auditlog/routes.html", "Who is told", context)


@guarded(MANAGE)
def route_new(request: HttpRequest) -> HttpResponseBase:
    """Add a route."""
    form = RouteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _answered(request, form, Route())
    return _form_page(request, form, None)


@guarded(MANAGE)
def route_page(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Change a route, try it out, give it a new secret, or remove it."""
    route = selectors.get_route(pk)
    if request.method == "POST" and "remove" in request.POST:
        routing.remove_route(current_actor(), route)
        messages.success(request, f"{route.name} is told no more.")
        return HttpResponseRedirect(reverse("audit-routes"))
    if request.method == "POST" and "secret" in request.POST:
        return _new_secret(request, route)
    form = RouteForm(request.POST or None, route=route)
    if request.method == "POST" and form.is_valid():
        return _answered(request, form, route)
    return _form_page(request, form, route)


def _answered(request: HttpRequest, form: RouteForm, route: Route) -> HttpResponseBase:
    """Save and, where asked to, try it out; refusals go beside their fields.

    A new secret is in this very answer and nowhere else: no cookie, no session.
    """
    secret = None
    try:
        secret = routing.save_route(current_actor(), route, form.terms())
        if "test" in request.POST:
            routing.try_route(current_actor(), route)
            messages.success(request, f"A test message went to {route.name}.")
    except Invalid as refusal:
        show_refusal(form, refusal, fields={})
        kept = route if selectors.is_route(route.pk) else None
        return _form_page(request, form, kept, secret=secret)
    messages.success(request, f"{route.name} is saved.")
    if secret:
        return _form_page(request, form, route, secret=secret)
    return HttpResponseRedirect(reverse("audit-routes"))


def _new_secret(request: HttpRequest, route: Route) -> HttpResponseBase:
    form = RouteForm(route=route)
    try:
        secret = routing.change_secret(current_actor(), route)
    except Conflict as refusal:
        messages.warning(request, refusal.message)
        return _form_page(request, form, route)
    return _form_page(request, form, route, secret=secret)


def _form_page(
    request: HttpRequest,
    form: RouteForm,
    route: Route | None,
    *,
    secret: str | None = None,
) -> HttpResponseBase:
    context = {
        "form": form,
        "route": route,
        "secret": secret,
        "address": shown_address(route) if route else "",
    }
    title = route.name if route else "Tell somebody else"
    return render(request, "auditlog/route.html", title, context)

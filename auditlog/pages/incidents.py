"""Incidents in the admin site: the list with its figures, and one with its story."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from auditlog import events, selectors
from auditlog.constants import INCIDENT_STATES, AlertState
from auditlog.models import Alert, Incident
from auditlog.pages.durations import worded
from auditlog.pages.incident_chart import draw
from auditlog.pages.incident_forms import NoteForm, ResolveForm
from auditlog.runbooks import get_runbook
from auditlog.services import Target, incidents, record
from chatsec.core.admin_pages import WIDE, guarded, render, show_refusal
from chatsec.core.context import current_actor
from chatsec.core.errors import Conflict, Invalid

VIEW_AUDIT, MANAGE = "view_audit", "manage_incidents"
PAGE_SIZE = 50
DAYS = (7, 30, 90)
UNRESOLVED = ("open", "acknowledged")


class Figures(NamedTuple):
    """Times to acknowledge and to resolve, in words."""

    severity: str
    incidents: int
    acknowledge: str
    mean_acknowledge: str
    resolve: str
    mean_resolve: str
    precision: str


@guarded(VIEW_AUDIT)
def incident_list(request: HttpRequest) -> HttpResponseBase:
    """Show a page of incidents; the reading is on record."""
    state, days, before = _asked(request)
    rows = _rows(state)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE_SIZE + 1])
    record(events.INCIDENTS_READ, result_count=len(found[:PAGE_SIZE]))
    now = timezone.now()
    since = now - timedelta(days=days)
    context = {
        "rows": selectors.read_incidents(found[:PAGE_SIZE]),
        "older": _older(found, state, days),
        "states": _states(state, days),
        "periods": [(each, _query(state, each), each == days) for each in DAYS],
        "days": days,
        "figures": [
            _figures(each)
            for each in selectors.response_times(
                since=since, until=now + timedelta(seconds=1)
            )
        ],
        "chart": draw(selectors.incidents_per_day(days=days, now=now)),
        "given_up": selectors.count_given_up(since=since),
        **WIDE,
    }
    return render(request, "auditlog/incidents.html", "Incidents", context)


@guarded(VIEW_AUDIT)
def incident_page(request: HttpRequest, *, pk: UUID) -> HttpResponseBase:
    """Show an incident with its story, or do what a form of it asks."""
    incident = selectors.get_incident(pk)
    note, resolve = NoteForm(prefix="note"), ResolveForm(prefix="resolve")
    if request.method == "POST":
        if not request.user.has_perm(f"rbac.{MANAGE}"):
            raise PermissionDenied
        note, resolve = _bound(request)
        if _done(request, incident, note=note, resolve=resolve):
            return HttpResponseRedirect(reverse("audit-incident", args=[pk]))
        incident = selectors.get_incident(pk)
    record(events.INCIDENT_READ, target=Target("auditlog.Incident", pk))
    story = selectors.read_story(incident)
    context = {
        "story": story,
        "read": story.read,
        "incident": incident,
        "runbook": get_runbook(incident.runbook),
        "note_form": note,
        "resolve_form": resolve,
        "may_manage": request.user.has_perm(f"rbac.{MANAGE}"),
        "alerts": [(alert, _search_of(alert)) for alert in story.alerts],
        "acknowledged_after": _after(incident, incident.acknowledged_at),
        "resolved_after": _after(incident, incident.resolved_at),
        **WIDE,
    }
    title = f"{incident.label}: {incident.title}"
    return render(request, "auditlog/incident.html", title, context)


def _bound(request: HttpRequest) -> tuple[NoteForm, ResolveForm]:
    """Return the forms; bound is the one whose button was pressed."""
    sent = request.POST if "note" in request.POST else None
    ended = request.POST if "resolve" in request.POST else None
    return NoteForm(sent, prefix="note"), ResolveForm(ended, prefix="resolve")


def _done(
    request: HttpRequest, incident: Incident, *, note: NoteForm, resolve: ResolveForm
) -> bool:
    """Do what the pressed button says; return whether the page is done with it."""
    actor = current_actor()
    if "acknowledge" in request.POST:
        return _tried(request, None, lambda: incidents.acknowledge(actor, incident.pk))
    if "resolve" in request.POST and resolve.is_valid():
        asked = resolve.cleaned_data
        return _tried(
            request, resolve, lambda: incidents.resolve(actor, incident.pk, **asked)
        )
    if "note" in request.POST and note.is_valid():
        text = note.cleaned_data["text"]
        return _tried(
            request, note, lambda: incidents.add_note(actor, incident.pk, text=text)
        )
    return False


def _tried(
    request: HttpRequest, form: forms.Form | None, act: Callable[[], object]
) -> bool:
    try:
        act()
    except Conflict as refusal:  # somebody was faster: the page shows what he did
        messages.warning(request, refusal.message)
    except Invalid as refusal:
        if form is None:
            raise
        show_refusal(form, refusal, fields={})
        return False
    return True


def _asked(request: HttpRequest) -> tuple[str, int, UUID | None]:
    """Return state, days and where the page starts; nonsense is the usual."""
    state = request.GET.get("state", "unresolved")
    if state not in (*INCIDENT_STATES, "unresolved", "all"):
        state = "unresolved"
    days = request.GET.get("days", "30")
    try:
        before = UUID(request.GET.get("before", ""))
    except ValueError:
        before = None
    return state, int(days) if days in map(str, DAYS) else 30, before


def _rows(state: str) -> selectors.Incidents:
    if state == "unresolved":
        return selectors.list_incidents().filter(state__in=UNRESOLVED)
    if state == "all":
        return selectors.list_incidents()
    return selectors.list_incidents(state=cast("AlertState", state))


def _states(state: str, days: int) -> list[tuple[str, str, int, bool]]:
    counts = selectors.count_by_state()
    counted = {
        "unresolved": sum(counts[each] for each in UNRESOLVED),
        **counts,
        "all": sum(counts.values()),
    }
    return [
        (name, _query(name, days), number, name == state)
        for name, number in counted.items()
    ]


def _query(state: str, days: int, **more: str) -> str:
    """Return the query of the page that shows this."""
    return urlencode({"state": state, "days": str(days), **more})


def _older(found: list[Incident], state: str, days: int) -> str:
    if len(found) <= PAGE_SIZE:
        return ""
    return _query(state, days, before=str(found[PAGE_SIZE - 1].pk))


def _figures(times: selectors.Times) -> Figures:
    precision = f"{times.true_positives} of {times.resolved}" if times.resolved else "-"
    return Figures(
        times.severity or "all",
        times.incidents,
        worded(times.median_to_acknowledge),
        worded(times.mean_to_acknowledge),
        worded(times.median_to_resolve),
        worded(times.mean_to_resolve),
        precision,
    )


def _after(incident: Incident, at: datetime | None) -> str:
    return worded((at - incident.raised_at).total_seconds()) if at else ""


def _search_of(alert: Alert) -> str:
    """Return the query for everything that the same actor did in these minutes."""
    if alert.actor_pseudonym is None:
        return ""
    margin = timedelta(minutes=5)
    words = {
        "actor": str(alert.actor_pseudonym),
        "since": f"{alert.first_at - margin:%Y-%m-%dT%H:%M:%S}",
        "until": f"{alert.last_at + margin:%Y-%m-%dT%H:%M:%S}",
    }
    return urlencode(words)

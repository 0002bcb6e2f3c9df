"""The event log."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from auditlog import events, selectors
from auditlog.admin import cells
from auditlog.admin.lists import PeriodFilter, ReadOnlyAdmin, TypeFilter
from auditlog.models import Event
from auditlog.registry import event_types
from auditlog.services import Target, record
from auditlog.shapes import ReadEvent, describe_read, session_label
from chatsec.core.errors import Json

OUTCOME_BADGES = {
    "success": "badge--good",
    "failure": "badge--warn",
    "denied": "badge--bad",
    "error": "badge--bad",
}


class EventChangeList(ChangeList):
    """A page of events with the names behind their pseudonyms."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the whole page at once: no query per row."""
        super().get_results(request)
        rows = list(self.result_list)
        for event, read in zip(rows, selectors.read_events(rows), strict=True):
            event.read = read
        self.result_list = rows


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The event log."""

    list_display = ("time", "event", "actor", "result", "resource", "request")
    list_display_links = ("time",)
    list_filter = (PeriodFilter, "category", TypeFilter, "outcome")
    # Shows the search box; `get_search_results` decides what it finds.
    search_fields = ("request_id",)
    search_help_text = "A request id, an event id, or the user name of an actor"
    ordering = ("-event_id",)
    fields = readonly_fields = (
        "time",
        "event",
        "category",
        "severity",
        "result",
        "actor",
        "subject",
        "channel",
        "session",
        "request_id",
        "resource",
        "classification",
        "result_count",
        "as_logged",
        "details_opened",
        "subject_details_opened",
        "redaction_count",
        "expires_at",
    )

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:
        """Return the list that names actors."""
        return EventChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Return the events of a request, of an id, or of an actor."""
        term = search_term.strip()
        if not term:
            return queryset, False
        rows = queryset.filter(request_id=term)
        pseudonym = selectors.find_pseudonym(term)
        if pseudonym is not None:
            rows |= queryset.filter(actor_pseudonym=pseudonym)
            rows |= queryset.filter(event_id=pseudonym)
        return rows, False

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        """Show a page of the log; the search itself is on record."""
        try:
            with selectors.hurried():
                found = super().changelist_view(request, extra_context)
        except selectors.SearchTooWide as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(reverse("audit-search"))
        record(events.EVENTS_READ, details={"filters": _asked(request)})
        return found

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> TemplateResponse:
        """Show an event once the reading of it is on record."""
        event = cast("Event", context["original"])
        record(events.EVENT_READ, target=Target("auditlog.Event", event.event_id))
        context["title"] = f"{event.event_type}, {cells.moment(event.occurred_at)}"
        return cast(
            "TemplateResponse",
            super().render_change_form(request, context, *args, **kwargs),
        )

    @admin.display(description="Time (UTC)", ordering="event_id")
    def time(self, event: Event) -> str:
        """Return when it happened, to the second."""
        return cells.moment(event.occurred_at)

    @admin.display(description="Event")
    def event(self, event: Event) -> SafeString:
        """Return the type, with what it means as a hint."""
        known = event_types().get(event.event_type)
        hint = known.description if known else ""
        name = cells.breakable(event.event_type)
        return format_html('<span title="{}">{}</span>', hint, name)

    @admin.display(description="Actor")
    def actor(self, event: Event) -> SafeString | str:
        """Return the actor's name, or what he is known by."""
        read = _read(event)
        return cells.person(read.actor_name, event.actor_pseudonym) or event.actor_kind

    @admin.display(description="About", empty_value="-")
    def subject(self, event: Event) -> SafeString | str | None:
        """Return whom it is about."""
        return cells.person(_read(event).subject_name, event.subject_pseudonym)

    @admin.display(description="Outcome")
    def result(self, event: Event) -> SafeString:
        """Return the outcome as a badge."""
        return cells.badge(event.outcome, OUTCOME_BADGES)

    @admin.display(description="Resource")
    def resource(self, event: Event) -> SafeString:
        """Return what it was done to."""
        if not event.resource_type:
            return format_html("{}", "-")
        return format_html(
            "{} {}",
            cells.breakable(event.resource_type),
            cells.short(event.resource_id),
        )

    @admin.display(description="Request")
    def request(self, event: Event) -> SafeString:
        """Return the request id as a link to all its events."""
        if not event.request_id:
            return format_html("{}", "-")
        query = urlencode({"q": event.request_id})
        return format_html('<a href="?{}">{}</a>', query, cells.short(event.request_id))

    @admin.display(description="Session")
    def session(self, event: Event) -> str:
        """Return the session's name in the log."""
        return session_label(event) or "-"

    @admin.display(description="As logged")
    def as_logged(self, event: Event) -> SafeString:
        """Return the event as exports show it."""
        return cells.json_block(describe_read(_read(event)))

    @admin.display(description="Details", empty_value="-")
    def details_opened(self, event: Event) -> SafeString | str | None:
        """Return what was sealed under the actor's key."""
        return cells.opened(event.details, dict(_read(event).details))

    @admin.display(description="Details about the person", empty_value="-")
    def subject_details_opened(self, event: Event) -> SafeString | str | None:
        """Return what was sealed under the key of whom it is about."""
        return cells.opened(event.subject_details, dict(_read(event).subject_details))


def _asked(request: HttpRequest) -> dict[str, Json]:
    """Return what was asked for, a person by his pseudonym."""
    asked: dict[str, Json] = {k: str(v) for k, v in request.GET.items()}
    if found := selectors.find_pseudonym(request.GET.get("q", "").strip()):
        asked["q"] = str(found)
    return asked


def _read(event: Event) -> ReadEvent:
    """Return the event opened: by its page, or now for the one shown alone."""
    read: ReadEvent | None = getattr(event, "read", None)
    if read is None:
        read = selectors.read_events([event])[0]
        event.read = read  # type: ignore[attr-defined]  # the page's own memory
    return read

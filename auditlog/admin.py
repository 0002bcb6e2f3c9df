"""The event log and the alerts in the admin: for auditors, to be read only.

Reading is evidence too: a page is shown only once the reading itself is on record.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from auditlog import events, selectors
from auditlog.models import Alert, Event
from auditlog.registry import event_types
from auditlog.rules import RULES
from auditlog.services import Target, record
from auditlog.shapes import ReadEvent, describe_read, session_label
from chatsec.core.errors import Json

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:  # the stubs know generics, Django does not
    AnyAdmin, AnyPaginator = admin.ModelAdmin, Paginator

VIEW_AUDIT = "rbac.view_audit"
MAX_COUNTED = 10_000
OUTCOME_BADGES = {
    "success": "badge--good",
    "failure": "badge--warn",
    "denied": "badge--bad",
    "error": "badge--bad",
}
STATE_BADGES = {
    "open": "badge--bad",
    "acknowledged": "badge--warn",
    "resolved": "badge--good",
}
PERIODS = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
    "quarter": ("Last 90 days", timedelta(days=90)),
}


class CappedPaginator(AnyPaginator):
    """Counts no further than anybody would page through: a log has no end."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most MAX_COUNTED."""
        rows = cast("QuerySet[Event]", self.object_list)
        return rows.order_by()[:MAX_COUNTED].count()


class TypeFilter(admin.SimpleListFilter):
    """One kind of event."""

    title = "event"
    parameter_name = "type"

    def lookups(
        self, request: HttpRequest, model_admin: AnyAdmin
    ) -> list[tuple[str, str]]:
        """Return every registered type."""
        return [(name, name) for name in sorted(event_types())]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> QuerySet[Event]:
        """Return the events of the chosen type."""
        chosen = self.value()
        return queryset.filter(event_type=chosen) if chosen else queryset


class PeriodFilter(admin.SimpleListFilter):
    """How far back."""

    title = "time"
    parameter_name = "period"

    def lookups(
        self, request: HttpRequest, model_admin: AnyAdmin
    ) -> list[tuple[str, str]]:
        """Return the periods."""
        return [(key, label) for key, (label, _) in PERIODS.items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Event]
    ) -> QuerySet[Event]:
        """Return the events of the chosen period."""
        chosen = PERIODS.get(self.value() or "")
        if chosen is None:
            return queryset
        return queryset.filter(occurred_at__gte=timezone.now() - chosen[1])


class ReadOnlyAdmin(AnyAdmin):
    """Shown to who holds `view_audit`; changed by nobody."""

    actions = None
    list_display_links: Any = None
    list_per_page = 50
    show_full_result_count = False
    # Counting every filter's rows would read the whole log.
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator

    class Media:
        css = {"all": ["auditlog/admin.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the audit log appears on the index."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this visitor is an auditor."""
        return bool(request.user.has_perm(VIEW_AUDIT))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Events come from services only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Evidence does not change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Evidence goes by retention, a partition at a time."""
        return False

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Refuse: what never changes has no history."""
        raise PermissionDenied


class EventChangeList(ChangeList):
    """A page of events with the names behind their pseudonyms."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the whole page at once: no query per row."""
        super().get_results(request)
        rows = list(self.result_list)
        for event, read in zip(rows, selectors.read_events(rows), strict=True):
            event.read = read
        self.result_list = rows


class AlertChangeList(ChangeList):
    """A page of alerts with names."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the whole page at once: no query per row."""
        super().get_results(request)
        rows = list(self.result_list)
        for alert, read in zip(rows, selectors.read_alerts(rows), strict=True):
            alert.actor_name = read.actor_name
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
        term = search_term.strip().replace("\x00", "")
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
        """Show a page of the log once the search itself is on record."""
        found = super().changelist_view(request, extra_context)
        asked: dict[str, Json] = {k: str(v) for k, v in request.GET.items()}
        record(events.EVENTS_READ, details={"filters": asked})
        return found

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> TemplateResponse:
        """Show an event once the reading of it is on record."""
        event = cast("Event", context["original"])
        record(events.EVENT_READ, target=Target("auditlog.Event", event.event_id))
        context["title"] = f"{event.event_type}, {_moment(event)}"
        return cast(
            "TemplateResponse",
            super().render_change_form(request, context, *args, **kwargs),
        )

    @admin.display(description="Time (UTC)", ordering="event_id")
    def time(self, event: Event) -> str:
        """Return when it happened, to the second."""
        return _moment(event)

    @admin.display(description="Event")
    def event(self, event: Event) -> SafeString:
        """Return the type, with what it means as a hint."""
        known = event_types().get(event.event_type)
        hint = known.description if known else ""
        return format_html('<span title="{}">{}</span>', hint, event.event_type)

    @admin.display(description="Actor")
    def actor(self, event: Event) -> SafeString | str:
        """Return the actor's name, or what he is known by."""
        read = _read(event)
        return _person(read.actor_name, event.actor_pseudonym) or event.actor_kind

    @admin.display(description="About", empty_value="-")
    def subject(self, event: Event) -> SafeString | str | None:
        """Return whom it is about."""
        return _person(_read(event).subject_name, event.subject_pseudonym)

    @admin.display(description="Outcome")
    def result(self, event: Event) -> SafeString:
        """Return the outcome as a badge."""
        return _badge(event.outcome, OUTCOME_BADGES)

    @admin.display(description="Resource")
    def resource(self, event: Event) -> SafeString:
        """Return what it was done to."""
        if not event.resource_type:
            return format_html("{}", "-")
        return format_html("{} {}", event.resource_type, _short(event.resource_id))

    @admin.display(description="Request")
    def request(self, event: Event) -> SafeString:
        """Return the request id as a link to all its events."""
        if not event.request_id:
            return format_html("{}", "-")
        query = urlencode({"q": event.request_id})
        return format_html('<a href="?{}">{}</a>', query, _short(event.request_id))

    @admin.display(description="Session")
    def session(self, event: Event) -> str:
        """Return the session's name in the log."""
        return session_label(event) or "-"

    @admin.display(description="As logged")
    def as_logged(self, event: Event) -> SafeString:
        """Return the event as exports show it."""
        return _json(describe_read(_read(event)))

    @admin.display(description="Details", empty_value="-")
    def details_opened(self, event: Event) -> SafeString | str | None:
        """Return what was sealed under the actor's key."""
        return _opened(event.details, dict(_read(event).details))

    @admin.display(description="Details about the person", empty_value="-")
    def subject_details_opened(self, event: Event) -> SafeString | str | None:
        """Return what was sealed under the key of whom it is about."""
        return _opened(event.subject_details, dict(_read(event).subject_details))


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What the detection rules found."""

    list_display = ("last", "badge", "rule", "actor", "count", "why")
    list_filter = ("state", "rule")
    ordering = ("-id",)

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:
        """Return the list that names actors."""
        return AlertChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        """Show the alerts once the reading of them is on record."""
        found = super().changelist_view(request, extra_context)
        record(events.ALERTS_READ)
        return found

    @admin.display(description="Last (UTC)", ordering="last_at")
    def last(self, alert: Alert) -> str:
        """Return when the episode was last seen."""
        return f"{alert.last_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="Actor")
    def actor(self, alert: Alert) -> SafeString | str | None:
        """Return whose behaviour it is."""
        name: str | None = getattr(alert, "actor_name", None)
        return _person(name, alert.actor_pseudonym)

    @admin.display(description="State", ordering="state")
    def badge(self, alert: Alert) -> SafeString:
        """Return the state as a badge."""
        return _badge(alert.state, STATE_BADGES)

    @admin.display(description="Suspicion")
    def why(self, alert: Alert) -> str:
        """Return what the rule suspects."""
        rule = RULES.get(alert.rule)
        return rule.suspicion if rule else ""


def _moment(event: Event) -> str:
    return f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"


def _read(event: Event) -> ReadEvent:
    """Return the event opened: by its page, or now for the one shown alone."""
    read: ReadEvent | None = getattr(event, "read", None)
    if read is None:
        read = selectors.read_events([event])[0]
        event.read = read  # type: ignore[attr-defined]  # the page's own memory
    return read


def _person(name: str | None, pseudonym: Any) -> SafeString | str | None:
    if name is not None:
        return format_html('<span title="{}">{}</span>', pseudonym, name)
    return str(pseudonym) if pseudonym is not None else None


def _short(identifier: str) -> SafeString:
    """Return the end of a long identifier; the hint has it whole."""
    if len(identifier) <= 20:
        return format_html("{}", identifier)
    return format_html('<span title="{}">…{}</span>', identifier, identifier[-8:])


def _badge(text: str, styles: dict[str, str]) -> SafeString:
    style = styles.get(text, "")
    return format_html('<span class="badge {}">{}</span>', style, text)


def _opened(sealed: Any, document: dict[str, Json]) -> SafeString | str | None:
    if sealed is None:
        return None
    return _json(document) if document else "Erased: the key was destroyed."


def _json(document: dict[str, Json]) -> SafeString:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return format_html("<pre>{}</pre>", text)

"""What the detection rules found."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from auditlog import events, selectors
from auditlog.admin import cells
from auditlog.admin.lists import ReadOnlyAdmin
from auditlog.models import Alert
from auditlog.services import record

STATE_BADGES = {
    "open": "badge--bad",
    "acknowledged": "badge--warn",
    "resolved": "badge--good",
}


class AlertChangeList(ChangeList):
    """A page of alerts with names."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the whole page at once: no query per row."""
        super().get_results(request)
        rows = list(self.result_list)
        for alert, read in zip(rows, selectors.read_alerts(rows), strict=True):
            alert.actor_name = read.actor_name
        self.result_list = rows


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What the detection rules found."""

    list_display = (
        "last",
        "why",
        "badge",
        "severity",
        "actor",
        "count",
        "part_of",
    )
    list_select_related = ("incident",)
    list_filter = ("state", "severity", "rule")
    ordering = ("-id",)

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:
        """Return the list that names actors."""
        return AlertChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        """Show the alerts; the reading of them is on record."""
        found = super().changelist_view(request, extra_context)
        record(events.ALERTS_READ)
        return found

    @admin.display(description="Last (UTC)", ordering="last_at")
    def last(self, alert: Alert) -> str:
        """Return when the episode was last seen."""
        return cells.moment(alert.last_at)

    @admin.display(description="Actor")
    def actor(self, alert: Alert) -> SafeString | str | None:
        """Return whose behaviour it is."""
        name: str | None = getattr(alert, "actor_name", None)
        return cells.person(name, alert.actor_pseudonym)

    @admin.display(description="State", ordering="state")
    def badge(self, alert: Alert) -> SafeString:
        """Return the state as a badge."""
        return cells.badge(alert.state, STATE_BADGES)

    @admin.display(description="What happened", ordering="rule")
    def why(self, alert: Alert) -> SafeString:
        """Return what the rule says of it, and which rule that is."""
        return format_html(
            "{} <code>{}</code>", alert.title, cells.breakable(alert.rule)
        )

    @admin.display(description="Incident", empty_value="-")
    def part_of(self, alert: Alert) -> SafeString | None:
        """Return the incident as a link to its page."""
        if alert.incident is None:
            return None
        address = reverse("audit-incident", args=[alert.incident.pk])
        return format_html('<a href="{}">{}</a>', address, alert.incident.label)

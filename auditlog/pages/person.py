"""One person: who it is, what is usual, what was found, and what came last."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from auditlog.pages.addresses import search_query
from auditlog.pages.person_chart import draw_days, draw_hours
from auditlog.person_shapes import short_digest
from auditlog.selectors import Origin
from auditlog.services.reading import read_person
from chatsec.core.admin_pages import WIDE, guarded, render
from chatsec.core.errors import NotFound

VIEW_AUDIT = "view_audit"


class Place(NamedTuple):
    """A network or device, and the search for everybody who used it."""

    origin: Origin
    name: str
    countries: str
    query: str


@guarded(VIEW_AUDIT)
def person_page(request: HttpRequest, *, pseudonym: UUID) -> HttpResponseBase:
    """Show what the log knows of the person; the reading is on record."""
    try:
        read = read_person(pseudonym)
    except NotFound as error:
        raise Http404 from error
    habits = read.habits
    charts = draw_days(habits, pseudonym)
    context = {
        "read": read,
        "charts": charts,
        "is_busy": any(chart.total for chart in charts),
        "days": [
            (day.on, [day.counts[chart.metric] for chart in charts])
            for day in reversed(habits.days)
            if any(day.counts.values())
        ],
        "strip": draw_hours(habits.hours),
        "time_zone": settings.CHATSEC_TIME_ZONE,
        "origins": [
            ("Networks", _places(read.networks, "same_network")),
            ("Devices", _places(read.devices, "same_device")),
        ],
        "query": search_query({"actor": str(pseudonym), "period": "month"}),
        **WIDE,
    }
    name = read.account.username if read.account else str(pseudonym)
    return render(request, "auditlog/person.html", f"Person: {name}", context)


def _places(origins: list[Origin], word: str) -> list[Place]:
    return [
        Place(
            origin,
            short_digest(origin.digest),
            ", ".join(origin.countries),
            _search(origin, word),
        )
        for origin in origins
    ]


def _search(origin: Origin, word: str) -> str:
    if origin.event_id is None:
        return ""
    return search_query({word: str(origin.event_id), "period": "month"})

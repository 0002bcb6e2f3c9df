"""One event: as it was logged, what of it still opens, and what belongs to it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from auditlog import events
from auditlog.constants import RULE_RESOURCE
from auditlog.models import Event
from auditlog.pages.addresses import search_query
from auditlog.registry import event_types
from auditlog.services import Target, record
from auditlog.services.proving import find_seal_number, prove_event
from auditlog.services.reading import read_event, read_story
from auditlog.shapes import describe_read, session_label
from chatsec.core.admin_pages import guarded, render
from chatsec.core.errors import NotFound

VIEW_AUDIT = "view_audit"
MOST_IN_STORY = 200
AROUND = timedelta(minutes=30)


class Link(NamedTuple):
    """A search that this event suggests."""

    label: str
    query: str


@guarded(VIEW_AUDIT)
def event_page(request: HttpRequest, *, event_id: UUID) -> HttpResponseBase:
    """Show the event and the story of its request; both readings are on record."""
    try:
        read = read_event(event_id)
    except NotFound as error:
        raise Http404 from error
    event = read.event
    story = read_story(event, most=MOST_IN_STORY)
    known = event_types().get(event.event_type)
    context = {
        "read": read,
        "event": event,
        "description": known.description if known else "",
        "session": session_label(event),
        # What an exception from a rule is made for, where it is a network.
        "network": event.network_hash.hex() if event.network_hash else "",
        "as_logged": _indented(describe_read(read)),
        "details": _indented(dict(read.details)),
        "subject_details": _indented(dict(read.subject_details)),
        "seal_number": find_seal_number(event),
        "story": story,
        "is_cut": len(story) == MOST_IN_STORY,
        "links": _links(event),
        "rule_id": _rule_of(event),
    }
    title = f"{event.event_type}, {event.occurred_at:%Y-%m-%d %H:%M:%S} UTC"
    return render(request, "auditlog/event.html", title, context)


@guarded(VIEW_AUDIT)
def proof(request: HttpRequest, *, event_id: UUID) -> HttpResponseBase:
    """Send the proof for the stand-alone checker as a file; a Conflict until sealed."""
    found = prove_event(event_id)
    record(events.EVENT_READ, target=Target("auditlog.Event", event_id))
    body = json.dumps(found, indent=1, default=list)
    response = HttpResponse(body, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="proof-{event_id}.json"'
    return response


def _indented(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) if document else ""


def _rule_of(event: Event) -> UUID | None:
    """Return the rule that the event is about; what failed is called by its name."""
    if event.resource_type != RULE_RESOURCE:
        return None
    try:
        return UUID(event.resource_id)
    except ValueError:
        return None


def _links(event: Event) -> list[Link]:
    """Return the searches for what is like it, around the same time."""
    span = {
        "since": f"{event.occurred_at - AROUND:%Y-%m-%dT%H:%M:%S}",
        "until": f"{event.occurred_at + AROUND:%Y-%m-%dT%H:%M:%S}",
    }
    like = {
        "Same actor": ("actor", event.actor_pseudonym),
        "Same address": ("same_address", event.ip_hash and event.event_id),
        "Same network": ("same_network", event.network_hash and event.event_id),
        "Same device": ("same_device", event.device_hash and event.event_id),
        "Same session": ("same_session", event.session_hash and event.event_id),
        "Same kind of event": ("type", event.event_type),
    }
    found = [
        Link(label, search_query({**span, name: str(value)}))
        for label, (name, value) in like.items()
        if value
    ]
    return [*found, Link("Everything around this time", search_query(span))]

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events
from auditlog.models import Event
from auditlog.tests.factories import make_actor, make_event
from chatsec.core import context
from chatsec.core.context import RequestContext

pytestmark = pytest.mark.django_db
Browser = Callable[..., Any]


def page_of(event: Event) -> str:
    return f"/admin/audit/events/{event.event_id}"


def test_it_shows_the_event_opened_and_escaped(
    browser: Browser, admin: Any, alice: Any
) -> None:
    event = make_event(
        events.AUTHORIZATION_DENIED,
        actor=make_actor(alice),
        outcome="denied",
        details={"required_permission": "read_financial", "reason": "<b>no</b>"},
    )

    page = browser(admin).get(page_of(event)).content.decode()

    assert "&quot;required_permission&quot;: &quot;read_financial&quot;" in page
    assert "<b>no</b>" not in page
    assert "not sealed yet" in page
    assert ">alice" in page or "alice <code>" in page


def test_it_shows_the_network_that_an_exception_is_made_for(
    browser: Browser, admin: Any
) -> None:
    with context.bound(RequestContext(ip="192.0.2.9")):
        event = make_event()

    page = browser(admin).get(page_of(event)).content.decode()

    assert event.network_hash
    assert f"<code>{event.network_hash.hex()}</code>" in page


def test_the_story_has_the_order_of_time(browser: Browser, admin: Any) -> None:
    now = timezone.now()
    with context.bound(RequestContext(request_id="req-story")):
        last = make_event(at=now)
        first = make_event(events.AUTHORIZATION_CHECK, at=now - timedelta(seconds=2))
    make_event()

    story = browser(admin).get(page_of(last)).context["story"]

    assert [read.event for read in story] == [first, last]


def test_it_leads_to_what_is_alike(browser: Browser, admin: Any, alice: Any) -> None:
    actor = make_actor(alice)
    with context.bound(RequestContext(ip="192.0.2.9")):
        event, other = make_event(actor=actor), make_event(actor=actor)
    make_event()
    client = browser(admin)

    links = {
        link.label: link.query for link in client.get(page_of(event)).context["links"]
    }

    for label in ("Same actor", "Same address", "Same network", "Same session"):
        found = (
            client.get(f"/admin/audit/search?{links[label]}")
            .context["answer"]
            .shown.events
        )
        assert {read.event for read in found} == {event, other}, label


def test_both_readings_are_on_record(browser: Browser, admin: Any) -> None:
    with context.bound(RequestContext(request_id="req-2")):
        event = make_event()

    browser(admin).get(page_of(event))

    left = Event.objects.filter(category="audit").values_list(
        "event_type", "resource_id"
    )
    assert ("auditlog.event_read", str(event.event_id)) in left
    assert ("auditlog.events_read", "") in left


def test_what_is_not_there_is_not_found(browser: Browser, admin: Any) -> None:
    client = browser(admin)

    assert client.get(f"/admin/audit/events/{uuid7()}").status_code == 404
    assert client.get(f"/admin/audit/events/{uuid7()}/proof").status_code == 404


def test_a_proof_waits_for_the_seal(browser: Browser, admin: Any) -> None:
    answer = browser(admin).get(f"{page_of(make_event())}/proof")

    assert answer.status_code == 409

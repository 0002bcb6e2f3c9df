"""The page of one person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import events
from auditlog.models import ActorHour, Event, KnownPlace
from auditlog.services import incidents
from auditlog.services.detection.activity import forget_activity, roll_up_hours
from auditlog.tests.detection.factories import make_events, make_habits
from auditlog.tests.factories import (
    destroy_key,
    forget_cached_keys,
    make_actor,
    make_event,
)
from auditlog.tests.incidents.factories import make_alert, make_incident
from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
Browser = Callable[..., Any]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def page_of(person: Any) -> str:
    return f"/admin/audit/people/{subject_keys().pseudonym(person.id)}"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def section(page: str, name: str) -> str:
    return page.partition(f'aria-labelledby="{name}"')[2].partition("</section>")[0]


def test_it_says_who_it_is_and_what_came_last(
    browser: Browser, admin: Any, alice: Any
) -> None:
    with context.bound(RequestContext(ip="192.0.2.9", user_agent="Firefox")):
        event = make_event(actor=make_actor(alice))
        own = make_event(actor=make_actor(alice), subject_id=alice.id)
    failed = make_event(events.ERROR, subject_id=alice.id)

    answer = browser(admin).get(page_of(alice))

    who = section(text_of(answer), "who")
    assert "alice" in who
    assert "Sales Manager" in who
    read = answer.context["read"]
    assert (read.first_at, read.last_at) == (event.occurred_at, own.occurred_at)
    assert [each.event for each in read.events] == [own, event]
    assert [each.event.event_type for each in read.about] == [
        "error",
        "rbac.role_assigned",
        "accounts.user_created",
    ]
    assert read.about[0].event == failed
    assert str(alice.id) not in text_of(answer)


def test_it_leads_to_the_search_and_to_why_he_may(
    browser: Browser, admin: Any, alice: Any
) -> None:
    event, client = make_event(actor=make_actor(alice)), browser(admin)

    answer = client.get(page_of(alice))

    assert 'href="/admin/rbac/explain/?user=alice"' in text_of(answer)
    found = client.get(f"/admin/audit/search?{answer.context['query']}")
    shown = found.context["answer"].shown.events
    assert event in [read.event for read in shown]


def test_who_may_not_see_roles_sees_the_rest(
    browser: Browser, auditor: Any, alice: Any
) -> None:
    page = text_of(browser(auditor).get(page_of(alice)))

    assert "alice" in section(page, "who")
    assert "Sales Manager" not in page
    assert "explain" not in page


def test_nobody_else_opens_it(
    browser: Browser, alice: Any, bob: Any, charlie: Any, carol: Any
) -> None:
    """Nor about themselves, nor as staff with a factor: the log is for auditors."""
    for somebody in (alice, bob, charlie, carol):
        somebody.is_staff = True
        somebody.save()

        status = browser(somebody).get(page_of(alice)).status_code
        # Without a factor the admin site asks for one before anything else.
        assert status == (403 if somebody is carol else 302)

    assert not Event.objects.filter(event_type="auditlog.person_read").exists()


def test_days_and_hours_are_those_of_the_installation(
    browser: Browser, admin: Any, alice: Any, settings: Any
) -> None:
    settings.CHATSEC_TIME_ZONE = "Asia/Tokyo"
    at = (timezone.now() - 2 * DAY).replace(hour=20, minute=0, second=0, microsecond=0)
    counts = {"queries": 3, "records": 40, "denials": 1}
    ActorHour.objects.create(
        actor_pseudonym=subject_keys().pseudonym(alice.id), hour=at, **counts
    )
    client = browser(admin)

    answer = client.get(page_of(alice))

    habits = answer.context["read"].habits
    (day,) = [day for day in habits.days if any(day.counts.values())]
    assert (day.on, day.counts) == ((at + 9 * HOUR).date(), counts)
    assert day.since <= at < day.until
    assert len(habits.days) == 28
    assert [hour for hour, days in enumerate(habits.hours) if days] == [5]
    assert "05h (1)" in text_of(answer)
    assert [chart.total for chart in answer.context["charts"]] == [3, 40, 1]
    # A bar leads to its own day and kind of event.
    bar = answer.context["charts"][2].columns[0].query
    seen = client.get(f"/admin/audit/search?{bar}").context["answer"]
    assert seen is not None


def test_what_is_going_on_is_counted_at_once(
    browser: Browser, admin: Any, alice: Any
) -> None:
    """Hours are counted once an hour; an hour that was is not counted twice."""
    now = timezone.now()
    pseudonym = subject_keys().pseudonym(alice.id)
    make_events(events.CHATBOT_QUERY, [now] * 3, actor_pseudonym=pseudonym)
    reads = {"actor_pseudonym": pseudonym, "result_count": 7}
    make_events(events.DATA_ACCESS, [now] * 2, **reads)
    make_events(events.AUTHORIZATION_DENIED, [now], actor_pseudonym=pseudonym)
    roll_up_hours(now=now)
    make_events(events.CHATBOT_QUERY, [now], actor_pseudonym=pseudonym)

    habits = browser(admin).get(page_of(alice)).context["read"].habits

    counts = {"queries": 4, "records": 14, "denials": 1}
    assert [day.counts for day in habits.days if any(day.counts.values())] == [counts]


def test_it_shows_what_is_usual_and_what_is_not(
    browser: Browser, admin: Any, alice: Any
) -> None:
    make_habits(alice.id)

    answer = browser(admin).get(page_of(alice))

    assert answer.context["charts"][0].usual == "2"
    (unlike,) = answer.context["read"].habits.unlike
    assert (unlike.aspect, unlike.bits) == ("reads", 3.5)
    (network,) = answer.context["read"].networks
    assert network.event_id is None
    assert (b"n" * 16).hex()[:12] in section(text_of(answer), "places")


def test_a_known_network_has_what_events_say_of_it(
    browser: Browser, admin: Any, alice: Any
) -> None:
    now = timezone.now()
    columns = {"actor_pseudonym": make_habits(alice.id), "network_hash": b"n" * 16}
    KnownPlace.objects.update(last_at=now - DAY)
    for country, at in (("NO", now - HOUR), ("IS", now), ("", now)):
        make_events(events.CHATBOT_QUERY, [at], country=country, **columns)
    make_events(events.CHATBOT_QUERY, [now], **{**columns, "network_hash": b"m" * 16})

    answer = browser(admin).get(page_of(alice))

    places = {each.digest[:1]: each for each in answer.context["read"].networks}
    known = KnownPlace.objects.get()
    assert places[b"n"].countries == ("IS", "NO")
    assert (places[b"n"].first_at, places[b"n"].last_at) == (known.first_at, now)
    assert (places[b"m"].countries, places[b"m"].first_at) == ((), now)
    assert "IS, NO" in section(text_of(answer), "places")


def test_a_place_leads_to_who_else_was_there(
    browser: Browser, admin: Any, alice: Any, bob: Any
) -> None:
    there = {}
    for who, agent in ((alice, "Firefox/140.0"), (bob, "Chrome/140.0")):
        with context.bound(RequestContext(ip="192.0.2.9", user_agent=agent)):
            there[who.username] = make_event(actor=make_actor(who))
    client = browser(admin)

    answer = client.get(page_of(alice))

    (network,), (device,) = (
        answer.context["origins"][0][1],
        answer.context["origins"][1][1],
    )
    for place, people in ((network, {"alice", "bob"}), (device, {"alice"})):
        found = client.get(f"/admin/audit/search?{place.query}").context["answer"]
        seen = {read.event for read in found.shown.events}
        assert seen == {there[name] for name in people}
    assert len(network.name) == 12


def test_what_is_open_comes_first(browser: Browser, admin: Any, alice: Any) -> None:
    old = timezone.now() - 9 * DAY
    first = make_incident(alice.id, at=old)
    second = make_incident(alice.id)
    incidents.resolve(make_actor(), second.id, verdict="benign")
    make_incident()  # somebody else's
    make_alert(alice.id, at=old - DAY, state="resolved")

    answer = browser(admin).get(page_of(alice))

    read = answer.context["read"]
    assert [each.incident for each in read.incidents] == [first, second]
    states = [each.alert.state for each in read.alerts]
    assert states == ["open", "resolved", "resolved"]
    assert f"/admin/audit/incidents/{first.pk}" in section(text_of(answer), "found")


def test_an_empty_person_has_a_page(browser: Browser, admin: Any, alice: Any) -> None:
    page = text_of(browser(admin).get(page_of(alice)))

    for words in (
        "never acted",
        "None names this person",
        "Nothing was asked",
        "None is known",
        "There are none",
    ):
        assert words in page


def test_of_the_erased_evidence_is_left(
    browser: Browser, admin: Any, alice: Any
) -> None:
    event = make_event(actor=make_actor(alice), details={"intent": "own_data"})
    address = page_of(alice)
    make_habits(alice.id)
    forget_activity(subject_keys().pseudonym(alice.id))
    destroy_key(alice.id)
    forget_cached_keys()

    answer = browser(admin).get(address)

    page = text_of(answer)
    assert "This person was erased" in page
    assert "alice" not in page
    read = answer.context["read"]
    assert [each.event for each in read.events] == [event]
    assert (read.account, read.roles, read.is_erased) == (None, None, True)


def test_nobodys_pseudonym_is_not_found(
    browser: Browser, admin: Any, alice: Any
) -> None:
    client = browser(admin)

    for nobody in (uuid7(), alice.id):
        assert client.get(f"/admin/audit/people/{nobody}").status_code == 404
    assert client.get("/admin/audit/people/alice").status_code == 404


def test_reading_it_is_on_record(browser: Browser, admin: Any, alice: Any) -> None:
    browser(admin).get(page_of(alice))

    left = Event.objects.get(event_type="auditlog.person_read")
    assert left.resource_id == str(subject_keys().pseudonym(alice.id))
    assert left.actor_pseudonym == subject_keys().pseudonym(admin.id)
    # Who is looked at does not find it in what the log holds on him.
    assert left.subject_pseudonym is None


def test_the_query_count_does_not_depend_on_the_rows(
    browser: Browser, admin: Any, alice: Any
) -> None:
    client, now = browser(admin), timezone.now()

    def grow(count: int) -> None:
        with context.bound(RequestContext(ip="192.0.2.9", user_agent="Firefox")):
            for _ in range(count):
                make_event(actor=make_actor(alice), details={"intent": "x"})
                make_event(events.ERROR, subject_id=alice.id)
        for number in range(count):
            make_incident(alice.id, at=now - 3 * DAY * (number + 1))

    def queries() -> int:
        forget_cached_keys()
        with CaptureQueriesContext(connection) as captured:
            text_of(client.get(page_of(alice)))
        return len(captured)

    grow(1)
    queries()
    few = queries()
    grow(3)

    assert queries() == few


def test_other_pages_lead_to_it(browser: Browser, admin: Any, alice: Any) -> None:
    event, client = make_event(actor=make_actor(alice)), browser(admin)
    incident = make_incident(alice.id)
    link = f'href="{page_of(alice)}"'

    for path in (
        "search?actor=alice",
        f"events/{event.event_id}",
        "incidents",
        f"incidents/{incident.pk}",
    ):
        assert link in text_of(client.get(f"/admin/audit/{path}")), path

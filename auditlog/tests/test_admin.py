from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from auditlog import events
from auditlog.admin.event import EventChangeList
from auditlog.models import Event
from auditlog.rules.floor import DENIALS_IN_1_HOUR, DENIALS_IN_5_MINUTES
from auditlog.selectors import read_events
from auditlog.services import Target, detection
from auditlog.tests.factories import (
    forget_cached_keys,
    make_actor,
    make_denials,
    make_event,
)
from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
EVENTS, ALERTS = "/admin/auditlog/event/", "/admin/auditlog/alert/"
Browser = Callable[..., Any]


@pytest.fixture
def event(alice: Any) -> Event:
    with context.bound(RequestContext(request_id="req-1")):
        return make_event(
            events.AUTHORIZATION_DENIED,
            actor=make_actor(alice),
            outcome="denied",
            target=Target("query", "financial_report"),
            details={"required_permission": "read_financial", "reason": "<b>no</b>"},
        )


def test_the_list_names_time_event_actor_outcome_and_resource(
    browser: Browser, admin: Any, event: Event
) -> None:
    page = browser(admin).get(EVENTS, {"type": "authorization_denied"}).content.decode()

    for text in (
        f"{event.occurred_at:%Y-%m-%d %H:%M:%S}",
        "authorization_denied",
        ">alice<",
        '<span class="badge badge--bad">denied</span>',
        "query<wbr> financial_report",
    ):
        assert text in page


def test_the_detail_shows_what_was_sealed_and_escapes_it(
    browser: Browser, admin: Any, event: Event
) -> None:
    page = browser(admin).get(f"{EVENTS}{event.event_id}/change/").content.decode()

    assert "read_financial" in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "<b>no</b>" not in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize("path", [EVENTS, ALERTS])
def test_staff_without_the_permission_sees_nothing(
    browser: Browser, carol: Any, path: str
) -> None:
    carol.is_staff = True
    carol.save()

    assert browser(carol).get(path).status_code == 403
    assert "auditlog" not in browser(carol).get("/admin/").content.decode()


def test_nothing_can_be_added_changed_or_deleted(
    browser: Browser, admin: Any, event: Event
) -> None:
    client = browser(admin)
    one = f"{EVENTS}{event.event_id}/"

    assert client.get(f"{EVENTS}add/").status_code == 403
    assert client.post(f"{EVENTS}add/", {}).status_code == 403
    assert client.post(f"{one}change/", {"outcome": "success"}).status_code == 403
    assert client.get(f"{one}delete/").status_code == 403
    assert client.post(f"{one}delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{one}history/").status_code == 403
    client.post(
        EVENTS, {"action": "delete_selected", "_selected_action": str(event.event_id)}
    )
    assert Event.objects.get(event_id=event.event_id).outcome == "denied"


@pytest.mark.parametrize("term", ["alice", "ALICE", "req-1"])
def test_the_search_finds_a_request_and_an_actor(
    browser: Browser, admin: Any, event: Event, term: str
) -> None:
    make_event(events.AUTHORIZATION_DENIED, actor=make_actor())

    page = browser(admin).get(EVENTS, {"q": term}).content.decode()

    assert str(event.event_id) in page
    assert page.count('class="field-time"') == page.count(
        "authorization_<wbr>denied<wbr></span>"
    )


def test_the_search_finds_an_event_by_id_and_nothing_for_nonsense(
    browser: Browser, admin: Any, event: Event
) -> None:
    client = browser(admin)

    by_id = client.get(EVENTS, {"q": str(event.event_id)}).content.decode()
    nothing = client.get(EVENTS, {"q": "no such thing"}).content.decode()

    assert "/change/" in by_id
    assert f"{event.event_id}/change/" not in nothing


@pytest.mark.parametrize(
    "query", ["q=%00", "type=%00", "category__exact=%00", "outcome__exact=a%00"]
)
def test_a_nul_is_a_bad_request(browser: Browser, admin: Any, query: str) -> None:
    assert browser(admin).get(f"{EVENTS}?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["period=x", "type=x", "category__exact=x", "o=99.-3", "p=7", "e=1"]
)
def test_odd_parameters_break_nothing(browser: Browser, admin: Any, query: str) -> None:
    assert browser(admin).get(f"{EVENTS}?{query}").status_code in (200, 302)


@pytest.mark.parametrize(
    "query",
    [
        "request_id__regex=(a%2B)%2B$",
        "resource_id__icontains=x",
        "session_hash=x",
        "actor_pseudonym__in=1,2",
        "xid__gt=1",
    ],
)
def test_nothing_is_looked_up_that_no_filter_offers(
    browser: Browser, admin: Any, query: str
) -> None:
    assert browser(admin).get(f"{EVENTS}?{query}").status_code == 400


def test_a_list_that_takes_too_long_leads_to_the_search(
    browser: Browser, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_slow(*_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)")

    monkeypatch.setattr(EventChangeList, "get_results", too_slow)

    answer = browser(admin).get(EVENTS)

    assert (answer.status_code, answer["Location"]) == (302, "/admin/audit/search")


def test_who_was_searched_for_is_kept_by_his_pseudonym(
    browser: Browser, admin: Any, alice: Any
) -> None:
    browser(admin).get(EVENTS, {"q": "alice"})

    row = Event.objects.get(event_type="auditlog.events_read")
    (read,) = read_events([row])
    assert read.details["filters"] == {"q": str(subject_keys().pseudonym(alice.id))}


def test_the_period_filter_narrows(browser: Browser, admin: Any) -> None:
    old = make_event(events.ERROR, at=timezone.now() - timedelta(days=2))
    client = browser(admin)

    day = client.get(EVENTS, {"period": "day"}).content.decode()
    week = client.get(EVENTS, {"period": "week"}).content.decode()

    assert f"{old.event_id}/change/" not in day
    assert f"{old.event_id}/change/" in week


def test_reading_in_the_admin_is_an_event(
    browser: Browser, admin: Any, event: Event
) -> None:
    client = browser(admin)

    client.get(EVENTS)
    client.get(f"{EVENTS}{event.event_id}/change/")
    client.get(ALERTS)

    for name in ("events_read", "event_read", "alerts_read"):
        assert Event.objects.filter(event_type=f"auditlog.{name}").count() == 1


def test_the_list_asks_the_database_no_more_for_more_rows(
    browser: Browser, admin: Any
) -> None:
    client = browser(admin)
    client.get(EVENTS)

    def queries() -> int:
        forget_cached_keys()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(EVENTS).status_code == 200
        return len(captured)

    make_event(actor=make_actor(), details={"intent": "x"})
    few = queries()
    for _ in range(20):
        make_event(actor=make_actor(), details={"intent": "x"})

    assert queries() == few


def test_alerts_show_who_and_why(browser: Browser, admin: Any, bob: Any) -> None:
    now = timezone.now()
    make_denials(make_actor(bob), count=11, every=timedelta(seconds=1), until=now)
    detection.run_rules(now=now, rules=[DENIALS_IN_5_MINUTES, DENIALS_IN_1_HOUR])

    page = browser(admin).get(ALERTS).content.decode()

    assert ">bob<" in page
    assert "Refused more than 10 times in an hour" in page
    assert '<span class="badge badge--bad">open</span>' in page

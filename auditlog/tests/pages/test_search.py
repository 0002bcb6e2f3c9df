from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from auditlog import events
from auditlog.models import Event
from auditlog.services import Target
from auditlog.tests.factories import make_actor, make_event
from chatsec.core import context
from chatsec.core.context import RequestContext
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
SEARCH = "/admin/audit/search"
Browser = Callable[..., Any]


@pytest.fixture
def denial(alice: Any) -> Event:
    with context.bound(
        RequestContext(request_id="req-1", ip="192.0.2.7", user_agent="Firefox/1")
    ):
        return make_event(
            events.AUTHORIZATION_DENIED,
            actor=make_actor(alice),
            outcome="denied",
            target=Target("query", "financial_report"),
            details={"required_permission": "read_financial", "reason": "<b>no</b>"},
        )


def rows(page: Any) -> list[Event]:
    return [read.event for read in page.context["answer"].shown.events]


@pytest.mark.parametrize("path", ["search", "events/{}", "events/{}/proof"])
def test_only_auditors_see_it(
    browser: Browser, charlie: Any, denial: Event, path: str
) -> None:
    charlie.is_staff = True
    charlie.save()

    answer = browser(charlie).get(f"/admin/audit/{path.format(denial.event_id)}")

    # Staff without a second factor is sent to show one; nobody gets a page.
    assert answer.status_code in (302, 403)
    assert b"read_financial" not in answer.content


def test_staff_with_a_factor_and_without_the_permission_is_refused(
    browser: Browser, carol: Any, denial: Event
) -> None:
    carol.is_staff = True
    carol.save()

    assert browser(carol).get(SEARCH).status_code == 403
    assert (
        browser(carol).get(f"/admin/audit/events/{denial.event_id}").status_code == 403
    )


def test_it_finds_by_every_word(browser: Browser, admin: Any, denial: Event) -> None:
    make_event(actor=make_actor())
    client = browser(admin)

    for words in (
        {"actor": "alice"},
        {"q": "alice"},
        {"q": str(denial.event_id)},
        {"request_id": "req-1"},
        {"type": "authorization_denied", "outcome": "denied"},
        {"resource": "query:financial_report", "period": "hour"},
        {"category": "authorization", "outcome": "denied"},
        {"same_address": str(denial.event_id)},
        {"same_network": str(denial.event_id)},
        {"same_device": str(denial.event_id)},
        {"same_session": str(denial.event_id)},
    ):
        assert rows(client.get(SEARCH, words)) == [denial], words


def test_a_wrong_word_is_named_beside_its_field(browser: Browser, admin: Any) -> None:
    client = browser(admin)

    for name, word in (
        ("actor", "nobody-of-that-name"),
        ("since", "yesterday"),
        ("type", "gossip"),
        ("same_session", "not-an-id"),
        ("country", "Spain"),
        ("q", "\x00"),
    ):
        page = client.get(SEARCH, {name: word})

        assert page.status_code == 200
        assert page.context["answer"] is None
        assert name in page.context["form"].errors


def test_a_forged_cursor_is_an_error_of_the_form(browser: Browser, admin: Any) -> None:
    page = browser(admin).get(SEARCH, {"cursor": "AAAA"})

    assert page.context["form"].non_field_errors() == ["Not a cursor."]


def test_the_chart_says_how_high_it_is_and_where_it_ends(
    browser: Browser, admin: Any
) -> None:
    then = timezone.now() - timedelta(minutes=30)
    for _ in range(3):
        make_event(events.DATA_ACCESS, at=then)

    asked = {"period": "hour", "type": "data_access"}
    answer = browser(admin).get(SEARCH, asked)

    page, chart = answer.content.decode(), answer.context["answer"].chart
    assert "the tallest column has 3" in page
    assert f"<span>{chart.first}</span><span>{chart.last}</span>" in page


def test_a_column_of_the_chart_narrows_the_period(
    browser: Browser, admin: Any, denial: Event
) -> None:
    client = browser(admin)
    page = client.get(SEARCH, {"actor": "alice", "period": "day"})
    (column,) = [c for c in page.context["answer"].chart.columns if c.bars]

    narrowed = client.get(f"{SEARCH}?{column.query}")

    assert rows(narrowed) == [denial]
    assert narrowed.context["words"]["since"] == f"{column.bucket.since:%Y-%m-%dT%H:%M}"
    assert [bar.outcome for bar in column.bars] == ["denied"]


def test_pages_lead_on_and_back(browser: Browser, admin: Any, alice: Any) -> None:
    actor, now = make_actor(alice), timezone.now()
    made = [
        make_event(actor=actor, at=now - timedelta(minutes=number))
        for number in range(60)
    ]
    client = browser(admin)

    first = client.get(SEARCH, {"actor": "alice"})
    second = client.get(f"{SEARCH}?{first.context['older']}")
    back = client.get(f"{SEARCH}?{second.context['newer']}")

    assert rows(first) + rows(second) == made
    assert rows(back) == rows(first)
    assert not second.context["older"]


def test_the_search_is_on_record_with_a_pseudonym(
    browser: Browser, admin: Any, alice: Any
) -> None:
    from auditlog.selectors import read_events

    browser(admin).get(SEARCH, {"actor": "alice", "outcome": "denied"})

    found = Event.objects.filter(event_type="auditlog.events_read")
    (read,) = read_events(list(found))
    assert read.details["filters"] == {
        "actor": str(subject_keys().pseudonym(alice.id)),
        "outcome": "denied",
        "period": "day",
    }


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_nothing_is_shown_without_its_event(
    browser: Browser, admin: Any, denial: Event
) -> None:
    client = browser(admin)
    client.raise_request_exception = False
    year = f"audit_parts.event_audit_{timezone.now().year}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE audit_parts.event_audit DETACH PARTITION {year}")

    for path in (SEARCH, f"/admin/audit/events/{denial.event_id}"):
        page = client.get(path)

        assert page.status_code == 503
        assert b"financial_report" not in page.content


def test_a_search_is_saved_listed_and_deleted(
    browser: Browser, admin: Any, alice: Any
) -> None:
    client = browser(admin)
    here = f"{SEARCH}?actor=alice&outcome=denied"

    client.post(here, {"name": "denials of alice"})
    page = client.get(SEARCH)

    (saved,) = page.context["saved"]
    words = client.get(f"{SEARCH}?{saved.query}").context["words"]
    assert words["actor"] == str(subject_keys().pseudonym(alice.id))
    assert words["outcome"] == "denied"
    client.post(f"/admin/audit/searches/{saved.id}/delete")
    assert client.get(SEARCH).context["saved"] == []


def test_a_name_that_is_taken_is_an_error_of_the_form(
    browser: Browser, admin: Any
) -> None:
    client = browser(admin)

    client.post(f"{SEARCH}?outcome=denied", {"name": "denials"})
    page = client.post(f"{SEARCH}?outcome=denied", {"name": "denials"})

    assert page.context["saving"].errors["name"] == ["You have a search of this name."]


def test_what_was_saved_is_not_deleted_by_a_link(browser: Browser, admin: Any) -> None:
    client = browser(admin)
    client.post(f"{SEARCH}?outcome=denied", {"name": "denials"})
    (saved,) = client.get(SEARCH).context["saved"]

    assert client.get(f"/admin/audit/searches/{saved.id}/delete").status_code == 405


def test_the_form_keeps_the_period(browser: Browser, admin: Any) -> None:
    client = browser(admin)
    empty = dict.fromkeys(("q", "actor", "since", "until", "request_id"), "")

    chosen = client.get(SEARCH, {**empty, "period": "week"})
    never_chosen = client.get(SEARCH, empty)

    assert chosen.context["words"] == {"period": "week"}
    assert '<input type="hidden" name="period" value="week"' in chosen.content.decode()
    assert never_chosen.context["words"] == {"period": "day"}

"""An auditor finds a denial, reads its story, takes it out, and watches what comes."""

import csv
import io
from collections.abc import Iterator
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from auditlog import events
from auditlog.services import Target, sealer, tailing
from auditlog.tests.factories import make_actor, make_event
from chatsec.core import context
from chatsec.core.context import RequestContext
from tests.browser.test_roles import sign_in

DATABASES = ["default", "owner", "retention"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, databases=DATABASES),
]


@pytest.fixture
def denial(alice: Any) -> Any:
    with context.bound(RequestContext(request_id="req-of-alice", ip="192.0.2.7")):
        actor = make_actor(alice)
        make_event(events.CHATBOT_QUERY, actor=actor, outcome="denied")
        return make_event(
            events.AUTHORIZATION_DENIED,
            actor=actor,
            outcome="denied",
            target=Target("query", "financial_report"),
            details={"required_permission": "read_financial", "reason": "no role"},
        )


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Notice at once that a browser has gone."""
    monkeypatch.setattr(tailing, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(tailing, "KEEP_ALIVE_SECONDS", 0.2)
    yield
    gone = Flag()
    for _ in range(100):
        if not tailing._places._taken:
            return
        gone.wait(0.1)
    pytest.fail("the live view did not end with its browser")


def sealed(work: Any = sealer.seal_pending) -> None:
    """Seal on a thread of its own: the browser's loop has this one."""

    def run() -> None:
        work()
        connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def test_from_a_search_to_the_story_and_a_file(page: Page, admin, denial) -> None:
    sealed()
    sign_in(page, admin)
    page.get_by_role("link", name="Search", exact=True).first.click()

    page.get_by_label("Actor").fill("alice")
    page.get_by_label("Outcome:").select_option("denied")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".audit-events tbody tr")).to_have_count(2)
    expect(page.locator(".audit-chart .bar--denied")).to_have_count(1)

    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    rows = csv.DictReader(io.StringIO(begun.value.path().read_text("utf-8"), ""))
    assert {row["request_id"] for row in rows} == {"req-of-alice"}

    page.get_by_role("row", name="authorization_denied").get_by_role(
        "link"
    ).first.click()
    expect(
        page.get_by_text('"required_permission": "read_financial"').first
    ).to_be_visible()
    story = page.get_by_role("region", name="The story of this request")
    expect(story.locator("tbody tr")).to_have_count(2)
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download the proof").click()
    assert str(denial.event_id) in begun.value.path().read_text()


def test_a_column_of_the_chart_and_a_saved_search(page: Page, admin, denial) -> None:
    sign_in(page, admin)
    page.goto("/admin/audit/search?actor=alice&period=day")
    page.locator(".audit-chart a").first.click()
    expect(page.locator(".audit-events tbody tr")).to_have_count(2)

    page.get_by_text("saved search").click()
    page.get_by_label("Name").fill("What alice was refused")
    page.get_by_role("button", name="Save this search").click()
    page.get_by_text("1 saved search").click()
    page.get_by_role("link", name="What alice was refused").click()
    expect(page.locator(".audit-events tbody tr")).to_have_count(2)


@pytest.mark.usefixtures("hasty")
def test_watching_shows_what_is_sealed_as_text(page: Page, admin, alice) -> None:
    sign_in(page, admin)
    page.goto("/admin/audit/live?type=data_access")
    expect(page.get_by_role("status")).to_have_text("Watching, 0 so far")

    target = Target("sales", "7")
    make_event(events.DATA_ACCESS, actor=make_actor(alice), target=target)
    sealed()

    row = page.locator("[data-live-rows] tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("alice")
    expect(page.get_by_role("status")).to_have_text("Watching, 1 so far")
    page.get_by_role("button", name="Pause").click()
    make_event(events.DATA_ACCESS, actor=make_actor(alice), target=target)
    sealed()
    expect(page.get_by_role("status")).to_have_text("Paused, 1 waiting")
    page.get_by_role("button", name="Go on").click()
    expect(row).to_have_count(2)
    page.goto("/admin/")

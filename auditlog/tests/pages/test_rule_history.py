"""The history of a rule, on its page and on its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from auditlog.models import Event
from auditlog.services import detection
from auditlog.tests.detection.factories import person, rule_named, terms_of
from auditlog.tests.factories import destroy_key, forget_cached_keys, make_actor
from auditlog.tests.pages.test_rules import RULES, filled, page_of, rule
from chatsec.core import context
from chatsec.core.context import RequestContext

pytestmark = pytest.mark.django_db


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_the_page_says_who_changed_what_and_why(office) -> None:
    found = rule()
    office.post(page_of(found), filled(found, severity="critical", reason="Too quiet"))

    page = text_of(office.get(page_of(found)))

    assert "<strong>changed</strong>" in page
    assert "version 2</span> by admin" in page
    assert f"<del>{found.severity}</del>" in page
    assert "<ins>critical</ins>" in page
    assert "<dd>Too quiet</dd>" in page


def test_what_was_typed_is_shown_as_text(office) -> None:
    found, bad = rule(), "<script>alert(1)</script>"
    told = filled(found, title=bad, reason="<b>because</b>")
    assert office.post(page_of(found), told).status_code == 302

    page = office.get(page_of(found)).content.decode()

    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;because" in page
    assert bad not in page
    assert "<b>because" not in page


def test_of_two_who_edit_at_once_the_second_is_told(office) -> None:
    seen = rule()
    office.post(page_of(seen), filled(seen, severity="critical"))

    answer = office.post(page_of(seen), filled(seen, title="Another"))

    assert answer.status_code == 200
    page = text_of(answer)
    assert "Somebody else changed the rule: it is at version 2" in page
    # What he typed is not lost, and what the other one did stands below.
    assert 'value="Another"' in page
    assert "<ins>critical</ins>" in page
    kept = rule()
    assert (kept.version, kept.title, kept.severity) == (2, seen.title, "critical")
    refused = office.post(page_of(seen), {**filled(seen), "delete": "1"})
    assert "Somebody else changed the rule" in text_of(refused)
    assert rule().pk == seen.pk


@pytest.mark.parametrize("version", ["", "x", "1e9", "9" * 400, "-1"])
def test_a_form_that_shows_no_version_changes_nothing(office, version) -> None:
    found = rule()
    told = filled(found, severity="critical", version=version)

    for more in ({}, {"delete": "1"}):
        answer = office.post(page_of(found), {**told, **more})
        assert answer.status_code == 200
        page = text_of(answer)
        assert "Open the page anew" in page or "Somebody else changed" in page

    assert rule().version == 1


@pytest.mark.parametrize("more", [{}, {"delete": "1"}])
def test_why_is_asked(office, more) -> None:
    found = rule()

    answer = office.post(
        page_of(found), {**filled(found, severity="critical", reason=""), **more}
    )

    assert answer.status_code == 200
    assert "This field is required" in text_of(answer)
    assert rule().version == 1


def test_it_says_plainly_what_opens_no_more(office) -> None:
    author = make_actor()
    with context.bound(RequestContext(actor=author)):
        detection.change_rule(
            rule().pk, terms_of(rule(), title="Blocked"), version=1, reason="Too loud"
        )
    destroy_key(author.id)
    forget_cached_keys()

    page = text_of(office.get(page_of(rule())))

    assert "Who made this change was erased" in page
    assert "Too loud" not in page


def test_exceptions_and_what_the_floor_ships_are_among_it(office, alice) -> None:
    found = rule("denials_in_5_minutes")
    until = (timezone.now() + timedelta(days=3)).date()
    told = {"except": "1", "account": "alice", "reason": "Test", "expires_on": until}
    office.post(page_of(found), told)
    stricter = '{"events": ["authorization_denied"], "more_than": 2}'
    office.post(page_of(found), filled(found, parameters=stricter))

    page = text_of(office.get(page_of(found, "/history")))

    assert "<strong>exception made</strong>" in page
    assert "<dd>alice</dd>" in page
    assert "<dd>Test</dd>" in page
    assert "<del>3</del>" in page
    assert "ships as 3" in page


def test_the_newest_are_beside_the_rule_and_all_on_a_page(
    office, django_assert_max_num_queries
) -> None:
    found = rule()
    for version in range(1, 13):
        terms = terms_of(found, window_seconds=60 + version)
        detection.change_rule(found.pk, terms, version=version, reason="Test")
    every = page_of(found, "/history")

    with django_assert_max_num_queries(24):
        beside = office.get(page_of(found)).content.decode()
    assert beside.count("<strong>changed") == 10
    assert every in beside
    assert office.get(every).content.decode().count("<strong>changed") == 12
    reads = Event.objects.filter(event_type="auditlog.events_read")
    assert [*reads.values_list("result_count", flat=True).order_by("event_id")] == [
        10,
        12,
    ]
    assert office.get(f"{every}?cursor=x").status_code == 404


def test_a_deleted_rule_stays_readable(office) -> None:
    told = filled(rule(), name="own-rule", title="Own rule")
    office.post(f"{RULES}/new", told)
    own = rule_named("own-rule")
    office.post(page_of(own), {**filled(own, reason="Of no use"), "delete": "1"})
    deleted = Event.objects.get(event_type="auditlog.rule_deleted")

    event = text_of(office.get(f"/admin/audit/events/{deleted.event_id}"))
    history = text_of(office.get(page_of(own, "/history")))

    assert page_of(own, "/history") in event
    assert "own-rule" in history
    assert "<dd>Own rule</dd>" in history
    assert "Of no use" in history
    assert office.get(page_of(own)).status_code == 404
    assert office.get(f"{RULES}/{person()}/history").status_code == 404


@pytest.fixture
def tuner(erin, allow):
    """Return staff who changes detection, and may not read the log."""
    type(erin).objects.filter(pk=erin.pk).update(is_staff=True)
    allow(erin, "manage_detection")
    return erin


@pytest.mark.parametrize(
    ("who", "statuses"),
    [("auditor", {200}), ("charlie", {302, 403}), ("tuner", {302, 403})],
)
def test_who_may_not_read_the_log_sees_no_history(
    browser, request, who, statuses
) -> None:
    client = browser(request.getfixturevalue(who), stepped_up=True)

    for end in ("", "/history"):
        assert client.get(page_of(rule(), end)).status_code in statuses

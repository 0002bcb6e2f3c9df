"""Every decision at the edges leaves one event, and refusals add up to an alert."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import make_user
from auditlog.selectors import list_alerts, list_events, read_events
from auditlog.services.detection import run_rules

pytestmark = pytest.mark.django_db

EVENTS = "/api/v1/audit/events"


def refusals():
    return read_events(list(list_events(event_type="authorization_denied")))


def test_a_refusal_of_the_api_is_on_record(api, charlie):
    answer = api(charlie).get(EVENTS)

    assert answer.status_code == 403
    [refusal] = refusals()
    assert refusal.actor_name == "charlie"
    assert refusal.event.outcome == "denied"
    assert refusal.event.resource_id == "view_audit"
    assert refusal.details["required_permission"] == "view_audit"


def test_a_refusal_of_a_page_is_on_record(browser):
    eve = make_user("eve", totp=True, is_staff=True)

    answer = browser(eve, stepped_up=True).get(reverse("audit-search"))

    assert answer.status_code == 403
    [refusal] = refusals()
    assert refusal.actor_name == "eve"
    assert refusal.event.resource_id == "view_audit"


def test_strangers_fill_no_log(api):
    answer = api().get(EVENTS)

    assert answer.status_code == 401
    assert refusals() == []


def test_a_grant_of_the_api_is_one_event(api, admin):
    answer = api(admin, stepped_up=True).get(EVENTS)

    assert answer.status_code == 200
    checks = read_events(list(list_events(event_type="authorization_check")))
    assert [(c.actor_name, c.details["result"]) for c in checks] == [
        ("admin", "granted")
    ]


def test_a_burst_of_refusals_becomes_an_alert(api, charlie):
    client = api(charlie)
    for _ in range(4):
        client.get(EVENTS)

    run_rules(now=timezone.now())

    assert "denials_in_5_minutes" in {alert.rule for alert in list_alerts()}


def test_the_refusal_stands_when_its_event_cannot_be_written(
    api, charlie, settings, caplog
):
    settings.CHATSEC_DENIAL_RECORDER = "nowhere.at_all"

    answer = api(charlie).get(EVENTS)

    assert answer.status_code == 403
    assert "the event of a request was not written" in caplog.text

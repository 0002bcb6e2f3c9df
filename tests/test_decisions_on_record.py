"""Every decision at the edges leaves one event, and refusals add up to an alert."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import chain

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuthSession
from accounts.tests.factories import access_token, make_user
from accounts.tests.race import race
from auditlog.selectors import list_alerts, list_events, read_events
from auditlog.services.detection import run_rules
from auditlog.services.repeating import write_left_out
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role

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


def left_out():
    found = list_events(event_type="authorization_denials_left_out")
    return read_events(list(found))


def test_refusals_without_end_are_answered_429_and_counted(api, charlie, erin):
    client = api(charlie)
    answers = [client.get(EVENTS) for _ in range(33)]
    answers.append(client.get("/api/v1/audit/alerts"))

    assert [a.status_code for a in answers] == [403] * 30 + [429] * 4
    assert answers[-1].json()["code"] == "too_many_refusals"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 300
    assert len(refusals()) == 30
    assert left_out() == []

    assert write_left_out(now=timezone.now() + timedelta(minutes=2)) == 1
    [summary] = left_out()
    assert summary.actor_name == "charlie"
    assert summary.event.result_count == 4
    assert summary.details["about"] == ["view_audit"]
    # Nobody else is kept waiting, and nothing that charlie may do.
    assert api(erin).get(EVENTS).status_code == 403
    assert client.get("/api/v1/me").status_code == 200


def test_pages_answer_429_too(browser):
    client = browser(make_user("eve", totp=True, is_staff=True), stepped_up=True)
    answers = [client.get(reverse("audit-search")) for _ in range(31)]

    assert [a.status_code for a in answers] == [403] * 30 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_a_flood_of_refusals_is_an_alert_of_its_own(api, charlie):
    client = api(charlie)
    for _ in range(40):
        client.get(EVENTS)
    write_left_out(now=timezone.now() + timedelta(minutes=2))

    run_rules(now=timezone.now() + timedelta(minutes=3))

    assert "denials_without_end" in {alert.rule for alert in list_alerts()}


def cross_site():
    found = list_events(event_type="authorization_denied_cross_site")
    return [one.actor_name for one in read_events(list(found))]


SITES = [
    ("cross-site", ["eve"]),
    ("same-site", ["eve"]),
    ("same-origin", []),
    ("none", []),
    ("", []),
    ("nonsense", []),
]


@pytest.mark.parametrize(("site", "marked"), SITES)
def test_a_refusal_that_another_site_caused_is_marked(browser, site, marked):
    client = browser(make_user("eve", totp=True, is_staff=True), stepped_up=True)
    headers = {"Sec-Fetch-Site": site} if site else {}

    for path in (reverse("audit-search"), EVENTS):
        assert client.get(path, headers=headers).status_code == 403

    assert cross_site() == marked * 2
    assert len(refusals()) == (0 if marked else 2)


def test_a_program_cannot_pass_for_another_site(api, charlie):
    answer = api(charlie).get(EVENTS, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert cross_site() == []
    assert len(refusals()) == 1


def test_links_elsewhere_make_no_alert_of_somebodys_denials(browser):
    client = browser(make_user("eve", totp=True, is_staff=True), stepped_up=True)
    headers = {"Sec-Fetch-Site": "cross-site"}
    for _ in range(10):
        client.get(reverse("audit-search"), headers=headers)

    run_rules(now=timezone.now())
    assert list(list_alerts()) == []

    client.get(reverse("audit-search"), headers=headers)
    run_rules(now=timezone.now())
    assert [alert.rule for alert in list_alerts()] == ["denials_from_elsewhere"]


def test_links_elsewhere_use_nobodys_refusals_up(browser):
    client = browser(make_user("eve", totp=True, is_staff=True), stepped_up=True)
    headers = {"Sec-Fetch-Site": "cross-site"}
    answers = [client.get(reverse("audit-search"), headers=headers) for _ in range(31)]

    assert [a.status_code for a in answers] == [403] * 30 + [429]
    assert client.get(reverse("audit-search")).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_parallel_refusals_exactly_so_many_are_written(api, charlie):
    token = access_token(charlie)

    def ask():
        headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
        return [APIClient().get(EVENTS, **headers).status_code for _ in range(6)]

    statuses = Counter(chain.from_iterable(race(8, ask)))

    assert statuses == {403: 30, 429: 18}
    assert len(refusals()) == 30
    write_left_out(now=timezone.now() + timedelta(minutes=2))
    assert [one.event.result_count for one in left_out()] == [18]


def test_the_refusal_stands_when_its_event_cannot_be_written(
    api, charlie, settings, caplog
):
    settings.CHATSEC_DENIAL_RECORDER = "nowhere.at_all"

    answer = api(charlie).get(EVENTS)

    assert answer.status_code == 403
    assert "the event of a request was not written" in caplog.text


def test_asking_for_a_password_first_is_no_denial(api, bob):
    client = api(bob)
    AuthSession.objects.update(authenticated_at=timezone.now() - timedelta(hours=1))

    answers = [
        client.post("/api/v1/privacy/requests", {"kind": "access", **proof})
        for proof in ({}, {"password": "wrong"})
    ]

    assert [a.json()["code"] for a in answers] == ["reauthentication_required"] * 2
    assert refusals() == []


def test_asking_for_a_factor_first_is_no_denial(api, bob, settings):
    settings.CHATSEC_REQUIRE_SECOND_FACTOR = True

    answer = api(bob).get("/api/v1/me")

    assert answer.json()["code"] == "factor_required"
    assert refusals() == []


@pytest.fixture
def helper(db):
    """Staff who may manage people and roles, and hold nothing else to give."""
    make_role("helpdesk", "manage_users", "manage_roles", "accounts.*")
    found = make_user("helper", is_staff=True, totp=True)
    give_role(found, "helpdesk")
    make_user("helped")
    return found


RESET = {"action": "reset_factors", "reason": "lost his phone"}
CHANGE = {
    "username": "admin",
    "email": "mine@example.org",
    "display_name": "Admin",
    "approval_limit": "0",
    "is_active": "on",
}
GIVE = {"user": "helped", "role": "admin", "until": "friday", "reason": "a favour"}


@pytest.mark.parametrize("page", ["give", "change", "reset"])
def test_a_denial_that_a_page_words_itself_is_on_record(browser, helper, admin, page):
    path, sent = {
        "give": (reverse("give-role"), GIVE),
        "change": (reverse("admin:accounts_user_change", args=[admin.id]), CHANGE),
        "reset": (
            reverse("admin:accounts_user_changelist"),
            {**RESET, "_selected_action": [str(admin.id)]},
        ),
    }[page]

    answer = browser(helper, stepped_up=True).post(path, sent)

    assert answer.status_code in {200, 302}
    [refusal] = refusals()
    assert refusal.actor_name == "helper"
    assert refusal.details["reason"] == "exceeds_own_permissions"

"""The pages of incidents and of who is told of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog import selectors
from auditlog.models import Delivery, Event, Incident, Route
from auditlog.pages.durations import worded
from auditlog.routes import address_of, secret_of
from auditlog.services import incidents, log_checks
from auditlog.services.verification import Fault, Finding, Report
from auditlog.tests.factories import forget_cached_keys, make_actor, make_denials
from auditlog.tests.incidents.factories import make_incident, make_route
from auditlog.tests.incidents.receiver import Receiver

pytestmark = pytest.mark.django_db
Browser = Callable[..., Any]
INCIDENTS, ROUTES = "/admin/audit/incidents", "/admin/audit/routes"
HOUR = timedelta(hours=1)


def text_of(answer: Any) -> str:
    found: str = answer.content.decode()
    return found


def page_of(incident: Incident) -> str:
    return f"{INCIDENTS}/{incident.pk}"


def test_the_list_shows_what_is_not_resolved(browser: Browser, admin: Any) -> None:
    first, second = make_incident(), make_incident()
    incidents.resolve(make_actor(), second.id, verdict="benign")
    client = browser(admin)

    page = text_of(client.get(INCIDENTS))
    assert first.label in page
    assert f">{second.label}<" not in page
    for state in ("resolved", "all"):
        assert f">{second.label}<" in text_of(client.get(f"{INCIDENTS}?state={state}"))
    assert Event.objects.filter(event_type="auditlog.incidents_read").count() == 3


@pytest.mark.parametrize(
    "query", ["state=x", "days=x", "before=x", "before=%00", "days=-1", "state=%00"]
)
def test_nonsense_in_the_address_is_the_usual_page(
    browser: Browser, admin: Any, query: str
) -> None:
    assert browser(admin).get(f"{INCIDENTS}?{query}").status_code == 200


def test_older_incidents_are_on_the_next_page(browser: Browser, admin: Any) -> None:
    made = [make_incident() for _ in range(51)]
    client = browser(admin)

    page = text_of(client.get(INCIDENTS))
    assert f">{made[0].label}<" not in page
    address = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]

    older = text_of(client.get(f"{INCIDENTS}{address.replace('&amp;', '&')}"))
    assert f">{made[0].label}<" in older
    assert f">{made[1].label}<" not in older


def test_the_page_tells_the_story(browser: Browser, admin: Any, alice: Any) -> None:
    actor = make_actor(alice)
    make_route(name="The SOC")
    incident = make_incident(alice.id)
    alert = incident.alerts.get()
    make_denials(actor, count=1, every=HOUR, until=alert.last_at)
    incidents.add_note(make_actor(admin), incident.id, text="<b>not bold</b>")
    from auditlog.services import outbox

    outbox.deliver_due()

    page = text_of(browser(admin).get(page_of(incident)))

    for text in (
        incident.label,
        "alice",
        "Somebody was refused again and again",
        "It is a false alarm when",
        "&lt;b&gt;not bold&lt;/b&gt;",
        "Told: The SOC",
        "authorization_denied",
        "/admin/audit/events/",
        "what else happened then",
    ):
        assert text in page
    assert Event.objects.filter(event_type="auditlog.incident_read").count() == 1


def test_resolving_carries_of_how_many_differences_the_page_told(
    browser: Browser, admin: Any
) -> None:
    client = browser(admin)
    findings = [
        Finding(Fault.CHANGED, 7, uuid7(), state=bytes([n]) * 32) for n in range(2)
    ]
    report = Report(findings=findings)
    log_checks.note_differences(report, now=timezone.now())
    incident = Incident.objects.get()

    page = text_of(client.get(page_of(incident)))
    assert f"changed seal 7 event {findings[0].event_id}" in page
    assert 'name="resolve-differences" value="2"' in page
    asked = {"resolve": "1", "resolve-verdict": "benign", "resolve-differences": "2"}
    assert "Say what explains" in text_of(client.post(page_of(incident), asked))
    client.post(page_of(incident), {**asked, "resolve-note": "a backup"})

    assert incident.differences.exclude(known_mark=None).count() == 2


def test_all_that_becomes_known_is_on_the_page(browser: Browser, admin: Any) -> None:
    findings = [
        Finding(Fault.CHANGED, 7, uuid7(), state=bytes([n]) * 32) for n in range(25)
    ]
    log_checks.note_differences(Report(findings=findings), now=timezone.now())

    page = text_of(browser(admin).get(page_of(Incident.objects.get())))

    first, _, others = page.partition("<details>")
    assert str(findings[19].event_id) in first
    assert str(findings[20].event_id) not in first
    assert all(str(each.event_id) in page for each in findings)
    assert "The other 5" in others


def test_it_is_acknowledged_noted_and_resolved_there(
    browser: Browser, admin: Any, incident: Incident
) -> None:
    client = browser(admin)

    for form in (
        {"acknowledge": "1"},
        {"note": "1", "note-text": "Asked alice"},
        {"resolve": "1", "resolve-verdict": "false_positive", "resolve-note": "ok"},
    ):
        assert client.post(page_of(incident), form).status_code == 302

    incident.refresh_from_db()
    assert (incident.state, incident.verdict) == ("resolved", "false_positive")
    page = text_of(client.get(page_of(incident)))
    for text in ("Asked alice", "Resolved: false positive", "by admin"):
        assert text in page
    assert 'name="resolve"' not in page


def test_refusals_stand_beside_their_fields(
    browser: Browser, admin: Any, incident: Incident
) -> None:
    client = browser(admin)

    page = text_of(client.post(page_of(incident), {"resolve": "1"}))
    assert "This field is required" in page
    page = text_of(client.post(page_of(incident), {"note": "1", "note-text": " "}))
    assert "This field is required" in page
    incident.refresh_from_db()
    assert incident.state == "open"


def test_who_comes_second_is_told(
    browser: Browser, admin: Any, incident: Incident
) -> None:
    incidents.acknowledge(make_actor(), incident.id)

    answer = browser(admin).post(page_of(incident), {"acknowledge": "1"}, follow=True)

    assert "is acknowledged already" in text_of(answer)


def test_reading_is_one_thing_and_dealing_another(
    browser: Browser, auditor: Any, incident: Incident
) -> None:
    client = browser(auditor)

    page = text_of(client.get(page_of(incident)))
    assert 'name="acknowledge"' not in page
    assert client.post(page_of(incident), {"acknowledge": "1"}).status_code == 403
    assert client.get(ROUTES).status_code == 403
    assert client.get(f"{ROUTES}/new").status_code == 403
    incident.refresh_from_db()
    assert incident.state == "open"


def test_strangers_see_nothing(
    browser: Browser, charlie: Any, incident: Incident
) -> None:
    charlie.is_staff = True
    charlie.save()
    client = browser(charlie)

    for address in (INCIDENTS, page_of(incident), ROUTES):
        answer = client.get(address)
        assert answer.status_code in (302, 403)
        assert incident.label not in text_of(answer)


def test_what_is_not_there_is_404(browser: Browser, admin: Any) -> None:
    client = browser(admin)

    assert client.get(f"{INCIDENTS}/{uuid7()}").status_code == 404
    assert client.get(f"{ROUTES}/{uuid7()}").status_code == 404


def test_the_cost_does_not_depend_on_the_rows(browser: Browser, admin: Any) -> None:
    client = browser(admin)

    def cost(address: str) -> int:
        forget_cached_keys()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    incident = make_incident()
    incidents.add_note(make_actor(), incident.id, text="one")
    make_route()
    client.get(INCIDENTS)
    addresses = (INCIDENTS, page_of(incident), ROUTES)
    few = [cost(address) for address in addresses]
    for number in range(6):
        incidents.add_note(make_actor(), incident.id, text="more")
        incidents.acknowledge(make_actor(), make_incident().id)
        make_route(name=f"route {number}")

    assert [cost(address) for address in addresses] == few


def test_figures_are_medians_and_means_by_severity() -> None:
    now = timezone.now()
    for minutes, severity in ((1, "critical"), (3, "critical"), (30, "warning")):
        made = make_incident()
        at = now - HOUR
        Incident.objects.filter(pk=made.pk).update(
            severity=severity,
            raised_at=at,
            acknowledged_at=at + timedelta(minutes=minutes),
            state="acknowledged",
        )
    make_incident()

    total, critical, warning = selectors.response_times(
        since=now - 2 * HOUR, until=now + HOUR
    )

    assert (total.severity, total.incidents) == (None, 4)
    assert (critical.severity, critical.incidents) == ("critical", 3)
    assert (critical.median_to_acknowledge, critical.mean_to_acknowledge) == (120, 120)
    assert total.median_to_acknowledge == 180
    assert total.mean_to_acknowledge == pytest.approx(34 * 60 / 3)
    assert (warning.severity, warning.mean_to_resolve) == ("warning", None)
    assert selectors.response_times(since=now + HOUR, until=now + 2 * HOUR)[0][1] == 0


def test_days_without_incidents_are_there_too() -> None:
    make_incident()

    days = selectors.incidents_per_day(days=7, now=timezone.now())

    assert [day.total for day in days] == [0] * 6 + [1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3660, "1 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_spans_in_words(seconds: float | None, text: str) -> None:
    assert worded(seconds) == text


ROUTE = {
    "name": "The SOC",
    "channel": "mail",
    "address": "soc@example.org",
    "minimal_severity": "warning",
    "is_enabled": "on",
}


def test_a_route_is_added_changed_and_removed(browser: Browser, admin: Any) -> None:
    client = browser(admin)

    assert client.post(f"{ROUTES}/new", {**ROUTE, "save": "1"}).status_code == 302
    route = Route.objects.get()
    page = text_of(client.get(ROUTES))
    assert "The SOC" in page
    assert "soc@example.org" in page
    changed = {**ROUTE, "address": "", "starts_at": "09:00", "ends_at": "17:00"}
    client.post(f"{ROUTES}/{route.pk}", {**changed, "save": "1"})
    assert "09:00 - 17:00" in text_of(client.get(ROUTES))
    assert address_of(Route.objects.get()) == "soc@example.org"
    client.post(f"{ROUTES}/{route.pk}", {"remove": "1"})
    assert not Route.objects.exists()


def test_the_secret_of_a_webhook_is_shown_once(
    browser: Browser, admin: Any, receiver: Receiver
) -> None:
    client = browser(admin)
    form = {**ROUTE, "channel": "webhook", "address": receiver.url, "save": "1"}

    page = text_of(client.post(f"{ROUTES}/new", form))

    route = Route.objects.get()
    secret = secret_of(route)
    assert secret in page
    assert secret not in text_of(client.get(f"{ROUTES}/{route.pk}"))
    assert "of-secrets" not in text_of(client.get(f"{ROUTES}/{route.pk}"))
    again = text_of(client.post(f"{ROUTES}/{route.pk}", {"secret": "1"}))
    assert secret not in again
    assert secret_of(Route.objects.get()) in again


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"address": "nobody"}, "This is not a mail address."),
        ({"channel": "slack", "address": "http://example.org/"}, "An https address."),
        ({"ends_at": "09:00"}, "Give both hours or none."),
        ({"starts_at": "soon"}, "Enter a valid time."),
        ({"channel": "pigeon"}, "Select a valid choice."),
    ],
)
def test_a_wrong_field_says_so(
    browser: Browser, admin: Any, wrong: dict[str, str], problem: str
) -> None:
    page = text_of(browser(admin).post(f"{ROUTES}/new", {**ROUTE, **wrong}))

    assert problem in page
    assert "audit-field--wrong" in page
    assert not Route.objects.exists()


def test_a_test_is_sent_from_the_form(
    browser: Browser, admin: Any, receiver: Receiver
) -> None:
    client = browser(admin)

    client.post(f"{ROUTES}/new", {**ROUTE, "test": "1"})
    assert len(mail.outbox) == 1
    receiver.status = 410
    form = {**ROUTE, "name": "Room", "channel": "slack", "address": receiver.url}
    page = text_of(client.post(f"{ROUTES}/new", {**form, "test": "1"}))

    assert "The test message did not arrive: status 410." in page
    room = Route.objects.get(name="Room")
    # The next try is of this very route, not of a second one.
    assert f'action="{ROUTES}/{room.pk}"' in page


def test_a_route_that_fails_is_marked(browser: Browser, admin: Any) -> None:
    make_route()
    make_incident()
    Delivery.objects.update(state="given_up", due_at=timezone.now())
    client = browser(admin)

    assert "1 given up" in text_of(client.get(ROUTES))
    assert "1 message about an incident never arrived." in text_of(
        client.get(INCIDENTS)
    )
    Route.objects.update(last_sent_at=timezone.now())
    assert "1 given up before" in text_of(client.get(ROUTES))


def test_the_list_of_alerts_leads_there(
    browser: Browser, admin: Any, incident: Incident
) -> None:
    page = text_of(browser(admin).get("/admin/auditlog/alert/"))

    assert f'<a href="{page_of(incident)}">{incident.label}</a>' in page


def test_the_admin_index_leads_there(browser: Browser, admin: Any) -> None:
    page = text_of(browser(admin).get("/admin/"))

    assert INCIDENTS in page
    assert ROUTES in page

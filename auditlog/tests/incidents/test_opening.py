"""Which incident an alert belongs to."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from auditlog import runbooks
from auditlog.models import Alert, DetectionRule, Event, Incident, IncidentEntry
from auditlog.rules import FLOOR
from auditlog.services import detection, incidents
from auditlog.tests.factories import Somebody, make_actor, make_denials
from auditlog.tests.incidents.factories import HOUR, make_alert, make_incident

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def kinds(incident: Incident) -> list[str]:
    """Return the story so far."""
    return list(incident.entries.order_by("id").values_list("kind", flat=True))


def test_an_alert_opens_an_incident() -> None:
    alert = make_alert(at=NOW)

    incident = incidents.take_alert(alert)

    assert (incident.state, incident.severity) == ("open", "critical")
    assert incident.opened_at == incident.raised_at
    assert incident.last_at == NOW
    assert incident.runbook == "denials"
    assert incident.label == f"INC-{incident.number}"
    assert alert.incident == incident
    assert kinds(incident) == ["opened"]
    event = Event.objects.get(event_type="auditlog.incident_opened")
    assert event.resource_id == str(incident.id)
    assert event.subject_pseudonym == alert.actor_pseudonym


def test_numbers_follow_each_other_and_are_never_given_twice() -> None:
    first, second = make_incident(), make_incident()
    number = second.number
    second.delete()

    assert first.number < number < make_incident().number


@pytest.mark.parametrize(
    ("later", "rule", "same"),
    [
        (timedelta(0), "denials_in_5_minutes", True),
        (HOUR, "queries_in_24_hours", True),
        (DAY, "denials_in_1_hour", True),
        (DAY + timedelta(seconds=1), "denials_in_5_minutes", False),
    ],
)
def test_alerts_within_a_day_of_each_other_belong_together(
    later: timedelta, rule: str, *, same: bool
) -> None:
    person = Somebody()
    first = make_incident(person.id, at=NOW)

    second = make_incident(person.id, at=NOW + later, rule=rule)

    assert (first == second) is same
    assert kinds(first) == (["opened", "alert"] if same else ["opened"])


def test_a_day_counts_from_the_newest_alert() -> None:
    person = Somebody()
    first = make_incident(person.id, at=NOW)
    make_incident(person.id, at=NOW + 20 * HOUR)

    assert make_incident(person.id, at=NOW + 40 * HOUR) == first


def test_people_have_their_own_incidents() -> None:
    assert make_incident() != make_incident()


def test_an_alert_that_joins_is_as_far_as_its_incident() -> None:
    person = Somebody()
    incident = make_incident(person.id)
    incidents.acknowledge(make_actor(), incident.id)

    make_incident(person.id)

    states = set(Alert.objects.values_list("state", flat=True))
    assert states == {"acknowledged"}


def test_the_same_alert_taken_twice_changes_nothing() -> None:
    alert = make_alert()
    incident = incidents.take_alert(alert)

    assert incidents.take_alert(Alert.objects.get()) == incident
    assert kinds(incident) == ["opened"]


def test_growth_moves_the_end_and_leaves_the_story_alone() -> None:
    alert = make_alert(at=NOW)
    incident = incidents.take_alert(alert)
    alert.last_at = NOW + HOUR

    incidents.alert_grew(alert)

    incident.refresh_from_db()
    assert incident.last_at == NOW + HOUR
    assert kinds(incident) == ["opened"]


def test_growth_without_an_incident_is_nothing() -> None:
    incidents.alert_grew(make_alert())

    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("later", "rule", "same"),
    [
        (HOUR, "denials_in_5_minutes", True),
        (HOUR, "queries_in_24_hours", False),
        (2 * DAY, "denials_in_5_minutes", False),
    ],
)
def test_a_resolved_incident_reopens_where_the_same_goes_on(
    later: timedelta, rule: str, *, same: bool
) -> None:
    person = Somebody()
    incident = make_incident(person.id, at=NOW)
    incidents.resolve(make_actor(), incident.id, verdict="true_positive")

    taken = make_incident(person.id, at=NOW + later, rule=rule)

    assert (taken == incident) is same
    incident.refresh_from_db()
    assert incident.state == ("open" if same else "resolved")
    assert incident.verdict == ("" if same else "true_positive")
    assert (incident.raised_at > incident.opened_at) is same
    if same:
        assert kinds(incident) == ["opened", "resolved", "reopened"]
        entry = incident.entries.get(kind="reopened")
        assert entry.facts["verdict"] == "true_positive"
        assert Event.objects.filter(event_type="auditlog.incident_reopened").exists()


def test_an_episode_that_goes_on_reopens_its_own_incident_however_late() -> None:
    person = Somebody()
    alert = make_alert(person.id, at=NOW)
    incident = incidents.take_alert(alert)
    incidents.resolve(make_actor(), incident.id, verdict="benign")
    alert.last_at = NOW + 3 * DAY

    assert incidents.take_alert(alert) == incident
    incident.refresh_from_db()
    assert (incident.state, incident.last_at) == ("open", NOW + 3 * DAY)


def test_growth_of_a_resolved_incident_waits_for_the_scan_to_reopen_it() -> None:
    alert = make_alert(at=NOW)
    incident = incidents.take_alert(alert)
    incidents.resolve(make_actor(), incident.id, verdict="benign")
    alert.last_at = NOW + HOUR

    incidents.alert_grew(alert)

    incident.refresh_from_db()
    assert (incident.state, incident.last_at) == ("resolved", NOW)


def test_detection_gives_every_alert_its_incident() -> None:
    make_denials(make_actor(), count=11, every=timedelta(seconds=1), until=NOW)

    alerts = detection.run_rules(now=NOW, rules=FLOOR.values())

    assert len(alerts) == 2
    incident = Incident.objects.get()
    assert {alert.incident_id for alert in alerts} == {incident.id}
    assert kinds(incident) == ["opened", "alert"]


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("denials_in_5_minutes", "denials"),
        ("queries_in_24_hours", "volume"),
        ("failed_logins_in_5_minutes", "failed_sign_ins"),
        ("new_country", "new_origin"),
        ("audit_rule_switched_off", "watching"),
        ("blocked_messages", "messages"),
        ("risk", "risk"),
        ("something_else", "general"),
    ],
)
def test_every_rule_has_a_runbook(rule: str, key: str) -> None:
    book = runbooks.runbook_of(rule)

    assert book.key == key
    assert runbooks.get_runbook(key) is book
    assert all((book.title, book.means, book.look_at, book.then, book.false_alarm))


def test_every_rule_that_ships_leads_to_a_runbook_of_its_own() -> None:
    for rule in DetectionRule.objects.all():
        incident = make_incident(rule=rule.name)

        assert incident.runbook in set(runbooks.RUNBOOKS) - {"general"}, rule.name


def test_the_runbook_that_a_rule_names_comes_first() -> None:
    DetectionRule.objects.filter(name="new_device").update(runbook="privilege")

    assert make_incident(rule="new_device").runbook == "privilege"


def test_networks_and_rules_without_anybody_have_incidents_of_their_own() -> None:
    nobody: dict[str, Any] = {"actor_pseudonym": None}
    first = make_incident(**nobody, group_hash=b"1" * 16, rule="password_spray")
    same = make_incident(**nobody, group_hash=b"1" * 16, rule="credential_stuffing")
    other = make_incident(**nobody, group_hash=b"2" * 16, rule="password_spray")
    everybody = make_incident(**nobody, rule="password_spray")

    assert first == same
    assert len({first.pk, other.pk, everybody.pk}) == 3
    assert Event.objects.filter(event_type="auditlog.incident_opened").count() == 3


def test_the_severity_is_that_of_the_worst_alert() -> None:
    person = Somebody()
    incident = make_incident(person.id, severity="notice")
    make_incident(person.id, severity="info", rule="off_hours")
    incident.refresh_from_db()
    assert incident.severity == "notice"

    make_incident(person.id, severity="critical", rule="two_countries")

    incident.refresh_from_db()
    assert incident.severity == "critical"
    assert kinds(incident) == ["opened", "alert", "alert", "escalated"]


def test_a_runbook_that_is_gone_is_the_general_one() -> None:
    assert runbooks.get_runbook("of old") is runbooks.GENERAL


@pytest.mark.django_db(transaction=True)
def test_two_alerts_at_once_open_one_incident() -> None:
    person = Somebody()
    alerts = [make_alert(person.id) for _ in range(6)]
    barrier = Barrier(len(alerts))
    failures: list[BaseException] = []

    def take(alert: Alert) -> None:
        barrier.wait()
        try:
            incidents.take_alert(alert)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)
        finally:
            connections.close_all()

    # Every alert twice: two scanners that found the same.
    threads = [Thread(target=take, args=(alert,)) for alert in alerts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert Incident.objects.count() == 1
    assert IncidentEntry.objects.filter(kind="opened").count() == 1
    assert IncidentEntry.objects.filter(kind="alert").count() == len(alerts) - 1


@pytest.mark.django_db(transaction=True)
def test_an_alert_that_two_scanners_take_joins_once() -> None:
    alert = make_alert()
    barrier = Barrier(4)

    def take() -> None:
        own = Alert.objects.get(pk=alert.pk)
        barrier.wait()
        try:
            incidents.take_alert(own)
        finally:
            connections.close_all()

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry.kind for entry in IncidentEntry.objects.all()] == ["opened"]

"""The scan as a whole: late, twice, with a rule that fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditlog.constants import FAILURES_TO_ALERT
from auditlog.models import Alert, Event, Incident, RuleRun
from auditlog.rules.floor import DENIALS_IN_5_MINUTES
from auditlog.services.detection.engine import effective_rules
from auditlog.tests.detection.factories import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    deny,
    every,
    make_events,
    person,
    pseudonym_of,
    rule_named,
    scan,
)
from auditlog.tests.factories import make_actor

pytestmark = pytest.mark.django_db


def test_a_scanner_that_was_away_for_hours_finds_what_it_missed() -> None:
    who = person()
    scan(DENIALS_IN_5_MINUTES, now=NOW - 7 * HOUR)
    deny(who, until=NOW - 5 * HOUR)

    (alert,) = scan(DENIALS_IN_5_MINUTES)

    assert (alert.actor_pseudonym, alert.count) == (who, 4)
    assert alert.last_at == NOW - 5 * HOUR


def test_two_episodes_in_one_late_scan_are_two_alerts() -> None:
    who = person()
    scan(DENIALS_IN_5_MINUTES, now=NOW - 7 * HOUR)
    deny(who, until=NOW - 5 * HOUR)
    deny(who, until=NOW - 2 * HOUR)

    assert len(scan(DENIALS_IN_5_MINUTES)) == 2


def test_an_event_that_is_committed_late_is_seen() -> None:
    who = person()
    deny(who, count=3, until=NOW - 10 * MINUTE)
    assert scan(DENIALS_IN_5_MINUTES, now=NOW - MINUTE) == []

    deny(who, count=1, until=NOW - 10 * MINUTE + SECOND)

    assert len(scan(DENIALS_IN_5_MINUTES)) == 1


def test_a_clock_that_goes_back_loses_nothing() -> None:
    scan(DENIALS_IN_5_MINUTES, now=NOW + HOUR)
    deny(person())

    assert len(scan(DENIALS_IN_5_MINUTES)) == 1


def test_a_run_of_everything_says_how_far_it_came() -> None:
    scan()

    runs = {run.rule: run for run in RuleRun.objects.all()}
    assert set(runs) == {rule.name for rule in effective_rules()} | {"known places"}
    assert {run.scanned_until for run in runs.values()} == {NOW}
    assert {run.last_error for run in runs.values()} == {""}


def test_alerts_cause_no_alerts() -> None:
    rule = replace(
        DENIALS_IN_5_MINUTES,
        name="about_alerts",
        group="subject",
        parameters={"events": ["security_alert"], "more_than": 0},
    )
    actor = make_actor()
    deny(pseudonym_of(actor))

    for step in range(5):
        scan(DENIALS_IN_5_MINUTES, rule, now=NOW + step * MINUTE)

    assert Alert.objects.count() == 1
    assert Event.objects.filter(event_type="security_alert").count() == 1


BROKEN = replace(
    DENIALS_IN_5_MINUTES, name="broken", parameters={"events": ["authorization_denied"]}
)


def test_a_rule_that_fails_stops_no_other_and_is_on_record() -> None:
    deny(person())

    opened = scan(BROKEN, DENIALS_IN_5_MINUTES)

    assert [alert.rule for alert in opened] == ["denials_in_5_minutes"]
    run = RuleRun.objects.get(rule="broken")
    assert (run.failures, run.last_error, run.scanned_until) == (1, "KeyError", None)
    assert Event.objects.filter(event_type="auditlog.rule_failed").count() == 1


def test_a_rule_that_keeps_failing_raises_an_alert_once_and_may_recover() -> None:
    for _ in range(FAILURES_TO_ALERT + 2):
        scan(BROKEN)

    (alert,) = Alert.objects.all()
    assert (alert.rule, alert.facts) == ("rule_failing", {"rule": "broken"})
    assert alert.incident is not None
    scan(replace(DENIALS_IN_5_MINUTES, name="broken"))
    assert RuleRun.objects.get(rule="broken").failures == 0


def test_a_network_alert_has_an_incident_of_its_own() -> None:
    for _ in range(16):
        make_events(
            "accounts.sign_in_failed",
            every(SECOND, count=2, until=NOW),
            subject_pseudonym=person(),
            network_hash=b"n" * 16,
            actor_kind="anonymous",
        )

    opened = scan(rule_named("credential_stuffing_sign_in").spec)

    assert [bytes(alert.group_hash) for alert in opened] == [b"n" * 16]  # type: ignore[arg-type]
    assert Incident.objects.get().severity == "critical"

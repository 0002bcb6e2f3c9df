"""The log notices by itself that it is not what was sealed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from auditlog.models import Alert, Event, Incident, Seal
from auditlog.selectors import read_events
from auditlog.services import log_checks, partitions, pruning, sealer
from auditlog.services.verification import Fault, verify_batch
from auditlog.tasks import check_log
from auditlog.tests.factories import make_event
from auditlog.tests.seals.test_tampering import as_superuser

DATABASES = ["default", "owner", "retention"]
pytestmark = pytest.mark.django_db(transaction=True, databases=DATABASES)
MONTH = timedelta(days=30)


def checks() -> list[tuple[str, Any]]:
    """Return outcome and details of every check that is on record."""
    rows = Event.objects.filter(event_type="auditlog.log_checked").order_by("event_id")
    return [(read.event.outcome, read.details) for read in read_events(list(rows))]


def change(victim: Event) -> None:
    """Change the event behind the application's back."""
    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_event SET outcome = 'denied' WHERE event_id = %s",
            victim.event_id,
        )


def test_a_log_as_it_was_sealed_is_on_record_and_no_incident() -> None:
    make_event()
    sealer.seal_pending()

    assert check_log() == 1

    details = {"seals": 3, "faults": {}, "first": [], "known": 0}
    assert checks() == [("success", details)]
    assert not Incident.objects.exists()


def test_a_change_is_an_incident_with_a_runbook_and_only_one() -> None:
    victim = make_event()
    sealer.seal_pending()
    change(victim)

    check_log()
    check_log()

    outcome, details = checks()[0]
    assert outcome == "failure"
    assert details["first"] == [f"changed {victim.event_id}"]
    incident = Incident.objects.get()
    assert (incident.severity, incident.runbook) == ("critical", "tampering")
    assert Alert.objects.get().facts == {"changed": 1}


def test_an_incident_that_was_resolved_in_the_database_explains_nothing() -> None:
    victim = make_event()
    sealer.seal_pending()
    change(victim)
    now = timezone.now()
    log_checks.check_log(now=now)
    Alert.objects.update(state="resolved")
    Incident.objects.update(
        state="resolved",
        verdict="true_positive",
        acknowledged_at=now,
        resolved_at=now,
    )

    log_checks.check_log(now=now + timedelta(hours=1))

    assert Incident.objects.get().state == "open"


def test_what_is_older_is_looked_at_in_places(monkeypatch: pytest.MonkeyPatch) -> None:
    then = timezone.now() - MONTH
    partitions.ensure_partitions(since=then.date(), months_ahead=0)
    victim = make_event(at=then)
    sealer.seal_pending(now=then)
    make_event()
    sealer.seal_pending()
    change(victim)
    # Every place is the seal that holds it.
    monkeypatch.setattr("secrets.randbelow", lambda _below: 2)

    report = log_checks.check_log(now=timezone.now())

    assert {(each.fault, each.event_id) for each in report.findings} == {
        (Fault.CHANGED, victim.event_id)
    }


def test_a_day_without_any_event_is_clean() -> None:
    then = timezone.now() - MONTH
    sealer.seal_pending(now=then)
    sealer.seal_pending(now=then + timedelta(minutes=2))

    assert log_checks.check_log(now=timezone.now()).is_clean
    assert Seal.objects.count() > 2


def test_a_partition_that_is_kept_as_evidence_opens_an_incident() -> None:
    then = timezone.now() - timedelta(days=131)
    partitions.ensure_partitions(since=then.date(), months_ahead=0)
    victim = make_event(at=then)
    sealer.seal_pending(now=then)
    change(victim)

    assert pruning.drop_expired() == []

    assert Incident.objects.get().runbook == "tampering"


@pytest.fixture
def old_place(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Have an old event, whose seal is the place that chance chooses."""
    then = timezone.now() - timedelta(days=131)
    partitions.ensure_partitions(since=then.date(), months_ahead=0)
    old = make_event(at=then)
    sealer.seal_pending(now=then)
    make_event()
    sealer.seal_pending()
    monkeypatch.setattr("secrets.randbelow", lambda _below: 2)
    return old


@pytest.mark.usefixtures("old_place")
def test_the_seals_of_a_place_are_looked_at_as_well() -> None:
    with as_superuser() as execute:
        execute("UPDATE auditlog_seal SET signature = %s WHERE number = 3", b"\1" * 64)

    report = log_checks.check_log(now=timezone.now())

    assert {(each.fault, each.seal) for each in report.findings} == {
        (Fault.BAD_SIGNATURE, 3)
    }


@pytest.mark.usefixtures("old_place")
def test_what_retention_takes_meanwhile_is_no_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dropped: list[object] = []

    def after_retention(*batch: Any, **known: Any) -> Any:
        dropped.extend(pruning.drop_expired())
        return verify_batch(*batch, **known)

    monkeypatch.setattr(log_checks, "verify_batch", after_retention)

    report = log_checks.check_log(now=timezone.now())

    assert dropped
    assert report.is_clean
    assert [outcome for outcome, _ in checks()] == ["success"]
    assert not Incident.objects.exists()

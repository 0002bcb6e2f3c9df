"""Gauges: what an operator's monitoring sees of incidents, streams and the scan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DataError, OperationalError
from django.utils import timezone

from auditlog.models import DetectionRule, EventStream, Incident, RuleRun
from auditlog.selectors.sealed import end_of_chain
from auditlog.services import sealer
from auditlog.services.detection import run_rules
from auditlog.services.detection.places import keep_places
from auditlog.tests.factories import make_event
from auditlog.tests.incidents.factories import make_incident
from chatsec.core import metrics

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def move(incident: Incident, state: str, **columns: object) -> None:
    """Bring the incident into a state, at once."""
    steps = ("acknowledged", "resolved")[
        : ("open", "acknowledged", "resolved").index(state)
    ]
    at = {f"{step}_at": timezone.now() for step in steps}
    verdict = "benign" if state == "resolved" else ""
    rows = Incident.objects.filter(id=incident.id)
    rows.update(state=state, verdict=verdict, **at, **columns)


def gauges() -> dict[str, float]:
    """Return every sample by its name with labels, as it is printed."""
    lines = metrics.exposition().decode().splitlines()
    samples = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in samples}


def test_incidents_are_counted_by_severity_and_state() -> None:
    for state in ("open", "acknowledged", "resolved"):
        move(make_incident(), state, severity="error")

    found = gauges()

    name = "chatsec_incidents_unresolved"
    assert found[f'{name}{{severity="error",state="open"}}'] == 1
    assert found[f'{name}{{severity="error",state="acknowledged"}}'] == 1
    assert found[f'{name}{{severity="critical",state="open"}}'] == 0
    assert sum(value for key, value in found.items() if key.startswith(name)) == 2


def test_the_oldest_unacknowledged_incident_has_an_age() -> None:
    name = "chatsec_incidents_oldest_unacknowledged_seconds"
    assert gauges()[name] == 0

    old, taken = make_incident(), make_incident()
    rows = Incident.objects.filter(id__in=[old.id, taken.id])
    rows.update(raised_at=timezone.now() - HOUR)
    move(taken, "acknowledged", raised_at=timezone.now() - 5 * HOUR)

    assert 3600 <= gauges()[name] < 2 * 3600


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "retention"])
def test_streams_say_how_far_they_are_behind() -> None:
    here = end_of_chain()
    for name, is_enabled in (("siem", True), ("retired", False)):
        EventStream.objects.create(
            name=name,
            url_sealed=b"",
            secret_sealed=b"",
            is_enabled=is_enabled,
            created_at=timezone.now(),
            seal_number=here.seal_number,
        )
    make_event()
    make_event()
    sealer.seal_pending()

    found = gauges()

    assert found['chatsec_audit_stream_lag_events{stream="siem"}'] >= 2
    assert found['chatsec_audit_stream_lag_seconds{stream="siem"}'] >= 0
    assert not [key for key in found if "retired" in key]


def test_the_scan_says_how_long_it_took_and_what_fails() -> None:
    assert gauges()["chatsec_detection_scan_age_seconds"] == 0
    run_rules(now=timezone.now() - HOUR)
    off = DetectionRule.objects.get(name="new_device")
    DetectionRule.objects.filter(id=off.id).update(is_enabled=False)
    broken = ["denials_in_24_hours", off.name]
    RuleRun.objects.filter(rule__in=broken).update(failures=2)

    found = gauges()

    assert found["chatsec_detection_scan_seconds"] > 0
    assert 3600 <= found["chatsec_detection_scan_age_seconds"] < 2 * 3600
    assert found["chatsec_detection_rules_failing"] == 1


def test_what_is_learned_besides_is_no_scan() -> None:
    run_rules(now=timezone.now() - HOUR)

    keep_places(now=timezone.now())

    assert gauges()["chatsec_detection_scan_age_seconds"] >= 3600


def test_one_that_cannot_be_measured_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> float:
        raise DataError

    monkeypatch.setattr("auditlog.selectors.measured.scan_seconds", broken)

    found = gauges()

    assert "chatsec_detection_scan_seconds" not in found
    assert "chatsec_detection_rules_failing" in found


def test_without_a_database_nobody_waits_for_it_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def away() -> float:
        asked.append("once")
        raise OperationalError

    for name in ("unresolved_incidents", "failing_rules"):
        monkeypatch.setattr(f"auditlog.selectors.measured.{name}", away)

    found = gauges()

    assert asked == ["once"]
    assert "chatsec_audit_spool_records" in found


def test_the_reference_names_every_gauge() -> None:
    page = (settings.BASE_DIR / "docs/reference/metrics.md").read_text()

    for name in settings.CHATSEC_GAUGES:
        assert f"| `{name}` | gauge" in page

"""A difference that somebody has explained is known: that one, nothing beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from uuid_utils.compat import uuid7

from auditlog.models import Alert, Event, Incident, IncidentEntry, LogDifference
from auditlog.rules import DIFFERS
from auditlog.selectors import read_events
from auditlog.services import incidents, log_checks, log_differences, sealer
from auditlog.services.verification import Fault, Finding, Report
from auditlog.tests.factories import make_actor, make_event
from auditlog.tests.incidents.factories import make_incident, make_route
from auditlog.tests.seals.test_log_checks import change
from auditlog.tests.seals.test_tampering import as_superuser
from chatsec.core.errors import Conflict, Invalid

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)
ONE, OTHER, THIRD = (
    Finding(Fault.CHANGED, number, uuid7(), state=bytes([number]) * 32)
    for number in (1, 2, 3)
)


def note(*findings: Finding, at: datetime = NOW) -> None:
    log_checks.note_differences(Report(findings=list(findings)), now=at)


def explain(incident: Incident, **changed: Any) -> Incident:
    asked = {"verdict": "true_positive", "note": "A backup", "differences": 1}
    return incidents.resolve(make_actor(), incident.id, **{**asked, **changed})


def explained(*findings: Finding) -> Incident:
    """Have these found and explained."""
    note(*findings)
    return explain(Incident.objects.get(), differences=len(findings))


def last_check() -> Any:
    row = Event.objects.filter(event_type="auditlog.log_checked").latest("event_id")
    (read,) = read_events([row])
    return read


def test_what_is_known_is_on_record_and_no_new_alarm() -> None:
    explained(ONE)

    note(ONE, at=NOW + DAY)
    note(ONE, at=NOW + 30 * DAY)

    assert Incident.objects.get().state == "resolved"
    assert Alert.objects.get().state == "resolved"
    assert last_check().event.outcome == "failure"
    assert last_check().details["known"] == 1


def test_that_it_was_made_known_is_on_record() -> None:
    explained(ONE, OTHER)

    row = Event.objects.get(event_type="auditlog.incident_resolved")
    (read,) = read_events([row])
    assert read.details["known_differences"] == 2


@pytest.mark.parametrize(
    "new",
    [
        OTHER,
        ONE._replace(state=b"other" * 6),
        ONE._replace(fault=Fault.EXTRA),
        ONE._replace(event_id=uuid7()),
        ONE._replace(seal=9),
        ONE._replace(says="its time is not"),
    ],
    ids=["event", "content", "fault", "other event", "seal", "reason"],
)
def test_what_differs_beside_or_otherwise_is_new(new: Finding) -> None:
    explained(ONE)

    note(ONE, new, at=NOW + 5 * DAY)

    newest = Incident.objects.latest("id")
    assert newest.state == "open"
    assert [row.place for row in newest.differences.all()] == [
        log_differences._line(new).rpartition(" ")[0]
    ]
    assert last_check().details["known"] == 1


def test_on_the_next_day_the_incident_goes_on_with_what_is_new() -> None:
    incident = explained(ONE)

    note(ONE, OTHER, at=NOW + timedelta(hours=20))

    incident.refresh_from_db()
    assert incident.state == "open"
    explain(incident)
    note(ONE, OTHER, at=NOW + timedelta(hours=40))
    assert Incident.objects.get().state == "resolved"


def test_a_difference_without_a_content_is_never_known() -> None:
    bare = Finding(Fault.BROKEN_CHAIN, None, says="there are events, and not one seal")
    note(bare)
    explain(Incident.objects.get(), differences=0)

    note(bare, at=NOW + timedelta(hours=1))

    assert Incident.objects.get().state == "open"


@pytest.mark.parametrize("seen", [None, 0, 2])
def test_nothing_becomes_known_of_which_nobody_was_told(seen: int | None) -> None:
    note(ONE)
    incident = Incident.objects.get()

    if seen is None:
        explain(incident, differences=None)
        note(ONE, at=NOW + DAY)
    else:
        with pytest.raises(Conflict) as refused:
            explain(incident, differences=seen)
        assert refused.value.code == "incident_grew"
        assert refused.value.extra["differences"] == 1

    assert Incident.objects.get().state == "open"
    assert not LogDifference.objects.exclude(known_mark=None).exists()


def test_it_takes_a_reason() -> None:
    note(ONE)
    incident = Incident.objects.get()

    with pytest.raises(Invalid) as refused:
        explain(incident, note=" ")

    assert list(refused.value.fields) == ["note"]
    assert Incident.objects.get().state == "open"


def test_a_large_one_does_not_hide_behind_a_small_one_that_is_open() -> None:
    route = make_route()
    note(ONE)
    incident = Incident.objects.get()
    incidents.acknowledge(make_actor(), incident.id)
    route.deliveries.update(state="sent", sent_at=NOW)

    note(ONE, OTHER, THIRD, at=NOW + DAY)

    assert Alert.objects.get().count == 3
    assert route.deliveries.get(state="pending").reasons == ["escalated"]
    lines = IncidentEntry.objects.filter(kind="alert")
    assert [line.facts["count"] for line in lines] == [3]
    with pytest.raises(Conflict):
        explain(incident, differences=1)


def test_the_same_again_while_it_is_open_is_told_once() -> None:
    note(ONE)
    before = IncidentEntry.objects.count()

    note(ONE, at=NOW + DAY)

    assert IncidentEntry.objects.count() == before


@pytest.mark.parametrize("back", [timedelta(0), DAY, 40 * DAY], ids=str)
def test_a_clock_that_was_set_back_hides_nothing(back: timedelta) -> None:
    note(ONE, at=NOW + 40 * DAY)
    explain(Incident.objects.get())

    note(OTHER, at=NOW + 40 * DAY - back)

    assert Incident.objects.latest("id").state == "open"


def test_an_alert_that_lost_its_incident_gets_another() -> None:
    note(ONE)
    Alert.objects.update(incident=None)
    Incident.objects.all().delete()

    note(ONE, at=NOW + DAY)

    assert Incident.objects.get().differences.count() == 1
    assert Alert.objects.get().incident == Incident.objects.get()


@pytest.mark.parametrize("new", [(ONE,), (ONE, OTHER)], ids=["the same", "more"])
def test_it_is_as_severe_as_ever_beside_an_alert_that_is_called_so(
    new: tuple[Finding, ...],
) -> None:
    called_so: dict[str, Any] = {
        "actor_pseudonym": None,
        "severity": "info",
        "title": "Nothing",
    }
    incident = make_incident(rule="audit_log_differs", **called_so)
    log_differences.tell_of(incident, [ONE], now=NOW)
    route = make_route(minimal_severity="critical")

    note(*new, at=NOW + timedelta(hours=1))

    alert, incident = Alert.objects.get(), Incident.objects.get()
    assert (alert.severity, alert.title) == (DIFFERS.severity, DIFFERS.title)
    assert incident.severity == "critical"
    assert route.deliveries.get().reasons == ["escalated"]


@pytest.mark.parametrize("state", ["open", "acknowledged"])
@pytest.mark.parametrize("new", [(ONE,), (OTHER,)], ids=["the same", "another"])
def test_an_alert_that_is_open_beside_a_resolved_incident_reopens_it(
    state: str, new: tuple[Finding, ...]
) -> None:
    note(ONE)
    incident = explain(Incident.objects.get(), differences=None)
    Alert.objects.update(state=state)
    route = make_route(minimal_severity="critical")

    note(*new, at=NOW + 5 * DAY)

    incident.refresh_from_db()
    assert (incident.state, Alert.objects.get().state) == ("open", "open")
    assert route.deliveries.get().reasons[0] == "reopened"
    told = set(incident.differences.values_list("line", flat=True))
    assert told == {log_differences._line(each) for each in (ONE, *new)}


def test_an_alert_that_is_resolved_beside_an_open_incident_is_not_quiet() -> None:
    note(ONE)
    Alert.objects.update(state="resolved")
    route = make_route()

    note(ONE, OTHER, at=NOW + DAY)

    assert (Alert.objects.get().state, Alert.objects.get().count) == ("open", 2)
    assert route.deliveries.get().reasons == ["escalated"]


def test_an_alert_about_a_person_is_none_about_the_log() -> None:
    make_incident(rule="audit_log_differs", severity="info")

    note(ONE)

    incident = Incident.objects.latest("id")
    assert (incident.severity, incident.actor_pseudonym) == ("critical", None)


@pytest.mark.django_db(transaction=True)
def test_checks_at_once_tell_of_each_difference_once() -> None:
    barrier = Barrier(4)

    def check(_: int) -> None:
        barrier.wait()
        try:
            note(ONE, OTHER)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, range(4)))

    assert Alert.objects.get().count == 2
    assert Incident.objects.get().differences.count() == 2
    assert IncidentEntry.objects.filter(kind="opened").count() == 1
    assert not IncidentEntry.objects.filter(kind="alert").exists()


def test_more_than_can_be_told_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_differences, "MOST_TOLD", 1)
    explained_one = (ONE, OTHER)
    note(*explained_one)
    explain(Incident.objects.get(), differences=1)

    note(*explained_one, at=NOW + 5 * DAY)

    assert Incident.objects.latest("id").state == "open"
    assert last_check().details["known"] == 1


def test_what_is_explained_leaves_room_for_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_differences, "MOST_TOLD", 1)
    incident = explained(ONE)

    note(ONE, OTHER, at=NOW + timedelta(hours=20))

    incident.refresh_from_db()
    assert incident.state == "open"
    left = incident.differences.get(known_mark=None)
    assert left.line == log_differences._line(OTHER)


@pytest.mark.parametrize("known_mark", [None, b"\1" * 32], ids=["told", "known"])
def test_what_was_put_among_the_told_is_told_when_it_is_found(
    known_mark: bytes | None,
) -> None:
    note(ONE)
    incident = Incident.objects.get()
    LogDifference.objects.create(
        incident=incident,
        line=log_differences._line(OTHER),
        found_at=NOW,
        found_mark=b"\1" * 32,
        known_mark=known_mark,
    )
    route = make_route()

    note(ONE, OTHER, at=NOW + DAY)

    assert route.deliveries.get().reasons == ["escalated"]
    explain(incident, differences=2)
    note(ONE, OTHER, at=NOW + 2 * DAY)
    assert Incident.objects.get().state == "resolved"


def test_what_was_put_among_the_told_takes_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_differences, "MOST_TOLD", 2)
    note(ONE)
    LogDifference.objects.create(
        incident=Incident.objects.get(), line="x", found_at=NOW, found_mark=b"\1" * 32
    )
    route = make_route()

    note(ONE, OTHER, at=NOW + DAY)

    assert route.deliveries.get().reasons == ["escalated"]


STATELESS = Finding(Fault.BROKEN_CHAIN, None, says="there are events, and not one seal")
KEY = Finding(Fault.UNKNOWN_KEY, 4, says="not the key that was pinned")
STRAYS = [Finding(Fault.EXTRA, None, uuid7()) for _ in range(2)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([ONE], [ONE, STATELESS]),
        ([STATELESS], [STATELESS, KEY]),
        ([STRAYS[0]], STRAYS),
        ([ONE, OTHER], [ONE, OTHER, THIRD]),
        ([ONE._replace(fault=Fault.EXTRA)], [STRAYS[0]]),
    ],
    ids=["first", "another fault", "more of it", "beyond the cap", "instead of a told"],
)
def test_what_cannot_be_told_one_by_one_is_told_once(
    monkeypatch: pytest.MonkeyPatch, before: list[Finding], after: list[Finding]
) -> None:
    monkeypatch.setattr(log_differences, "MOST_TOLD", 1)
    note(*before)
    route = make_route()
    note(*before, at=NOW + timedelta(hours=1))
    assert not route.deliveries.exists()

    note(*after, at=NOW + DAY)

    assert route.deliveries.get().reasons == ["escalated"]
    assert Alert.objects.get().count == len({*before, *after})
    route.deliveries.update(state="sent", sent_at=NOW)
    for days in (2, 3):
        note(*before, at=NOW + days * DAY)
        note(*after, at=NOW + days * DAY + timedelta(hours=1))
    assert not route.deliveries.filter(state="pending").exists()


@pytest.mark.parametrize("facts", [{"untold_broken_chain": 9}, {"mark": ""}, [1]])
def test_what_somebody_noted_in_the_database_keeps_nothing_back(facts: Any) -> None:
    note(ONE)
    Alert.objects.update(facts=facts)
    route = make_route()

    note(ONE, STATELESS, at=NOW + DAY)

    assert route.deliveries.get().reasons == ["escalated"]


def test_what_was_noted_before_the_incident_was_resolved_is_told_again() -> None:
    note(STATELESS)
    explain(Incident.objects.get(), differences=0)
    note(ONE, at=NOW + timedelta(hours=1))
    route = make_route()

    note(ONE, STATELESS, at=NOW + timedelta(hours=2))

    assert route.deliveries.get().reasons == ["escalated"]


def test_who_writes_into_the_database_makes_nothing_known() -> None:
    incident = explained(ONE)
    known = LogDifference.objects.get()
    line = log_differences._line(OTHER)
    LogDifference.objects.create(
        incident=incident,
        line=line,
        found_at=NOW,
        found_mark=known.found_mark,
        known_mark=known.known_mark,
    )

    note(OTHER, at=NOW + 5 * DAY)

    assert Incident.objects.latest("id").state == "open"


def test_what_was_put_among_the_told_is_not_explained_with_it() -> None:
    note(ONE)
    incident, told = Incident.objects.get(), LogDifference.objects.get()
    line = log_differences._line(OTHER)
    LogDifference.objects.create(
        incident=incident, line=line, found_at=NOW, found_mark=told.found_mark
    )

    explain(incident, differences=2)

    known = LogDifference.objects.exclude(known_mark=None).get()
    assert known.pk == told.pk


def test_what_was_told_of_another_incident_is_not_explained_with_this_one() -> None:
    note(ONE)
    other = Incident.objects.create(
        title="x",
        severity="critical",
        runbook="tampering",
        fingerprint="rule:x",
        opened_at=NOW,
        raised_at=NOW,
        last_at=NOW,
    )
    LogDifference.objects.update(incident=other)

    explain(other)

    assert not LogDifference.objects.exclude(known_mark=None).exists()


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "retention"])
def test_the_same_row_changed_once_more_is_new_and_verifying_always_says_it() -> None:
    victim = make_event()
    sealer.seal_pending()
    change(victim)
    now = timezone.now()
    log_checks.check_log(now=now)
    explain(Incident.objects.get())

    log_checks.check_log(now=now + timedelta(hours=1))

    assert Incident.objects.get().state == "resolved"
    with pytest.raises(CommandError) as refused:
        call_command("audit_verify", workers=1)
    assert refused.value.returncode == 1

    with as_superuser() as execute:
        execute(
            "UPDATE auditlog_event SET outcome = 'error' WHERE event_id = %s",
            victim.event_id,
        )
    log_checks.check_log(now=now + timedelta(hours=2))

    assert Incident.objects.get().state == "open"


@pytest.mark.django_db(transaction=True, databases=["default", "owner", "retention"])
def test_of_a_seal_that_is_known_nothing_more_can_be_changed() -> None:
    make_event()
    sealer.seal_pending()
    now = timezone.now()
    for hour, columns in enumerate(["signature = '\\x01'", "key_id = 'other'"]):
        with as_superuser() as execute:
            execute(f"UPDATE auditlog_seal SET {columns} WHERE number = 3")

        log_checks.check_log(now=now + timedelta(hours=hour))

        incident = Incident.objects.get()
        assert incident.state == "open"
        count = incident.differences.filter(known_mark=None).count()
        explain(incident, differences=count)
        log_checks.check_log(now=now + timedelta(hours=hour, minutes=5))
        assert Incident.objects.get().state == "resolved"

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from auditlog import events, selectors, tasks
from auditlog.models import Alert, Event
from auditlog.rules import FLOOR, RuleSpec
from auditlog.rules.floor import (
    DENIALS_IN_1_HOUR,
    DENIALS_IN_5_MINUTES,
    FAILED_SIGN_INS_IN_5_MINUTES,
    QUERIES_IN_24_HOURS,
)
from auditlog.services import detection
from auditlog.services.recording import build_row, insert
from auditlog.tests.detection.factories import make_events
from auditlog.tests.factories import destroy_key, make_actor, make_denials, make_event
from chatsec.core.context import ANONYMOUS, SYSTEM, Actor
from chatsec.core.crypto import subject_keys

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def fired(rule: RuleSpec, *, now: datetime = NOW) -> list[int]:
    """Return the counts of the alerts that a scan newly opens."""
    return [alert.count for alert in detection.run_rules(now=now, rules=[rule])]


@pytest.mark.parametrize(("count", "alerts"), [(3, []), (4, [4]), (5, [5])])
def test_more_than_3_denials_in_5_minutes(count: int, alerts: list[int]) -> None:
    make_denials(make_actor(), count=count, every=MINUTE, until=NOW)

    assert fired(DENIALS_IN_5_MINUTES) == alerts


@pytest.mark.parametrize(("count", "alerts"), [(10, []), (11, [11])])
def test_more_than_10_denials_in_an_hour(count: int, alerts: list[int]) -> None:
    make_denials(make_actor(), count=count, every=5 * MINUTE, until=NOW)

    assert fired(DENIALS_IN_1_HOUR) == alerts
    assert fired(DENIALS_IN_5_MINUTES) == []


@pytest.mark.parametrize(
    ("passwords", "codes", "alerts"),
    [(5, 0, [5]), (0, 5, [5]), (3, 2, [5]), (2, 2, [])],
)
def test_5_wrong_passwords_and_codes_in_5_minutes(
    passwords: int, codes: int, alerts: list[int]
) -> None:
    who = subject_keys().pseudonym(uuid4())
    for name, count in (("sign_in", passwords), ("second_factor", codes)):
        times = [NOW - number * SECOND for number in range(count)]
        make_events(f"accounts.{name}_failed", times, subject_pseudonym=who)

    assert fired(FAILED_SIGN_INS_IN_5_MINUTES) == alerts


@pytest.mark.parametrize(("count", "alerts"), [(1000, []), (1001, [1001])])
def test_more_than_1000_queries_in_24_hours(count: int, alerts: list[int]) -> None:
    actor = make_actor()
    row = build_row(events.CHATBOT_QUERY, {"actor": actor}, occurred_at=NOW)
    for number in range(count):
        fresh = build_row(events.CHATBOT_QUERY, {"actor": actor}, occurred_at=NOW)
        at = NOW - number * MINUTE
        insert(row._replace(event_id=fresh.event_id, occurred_at=at))

    assert fired(QUERIES_IN_24_HOURS) == alerts


def make_queries(actor: Actor, *, count: int, until: datetime = NOW) -> None:
    """Leave `count` questions of one actor, a second apart."""
    row = build_row(events.CHATBOT_QUERY, {"actor": actor}, occurred_at=until)
    for number in range(count):
        fresh = build_row(events.CHATBOT_QUERY, {"actor": actor}, occurred_at=until)
        at = until - number * SECOND
        insert(row._replace(event_id=fresh.event_id, occurred_at=at))


class Declared:
    """Volumes as settings' provider tells them: by the id of the account."""

    volumes: ClassVar[dict[UUID, int]] = {}

    def __call__(self) -> dict[UUID, int]:
        return self.volumes


told = Declared()


@pytest.fixture
def volumes(settings: Settings) -> Iterator[dict[UUID, int]]:
    settings.CHATSEC_DECLARED_VOLUMES = f"{__name__}.told"
    yield told.volumes
    told.volumes.clear()


FEW_QUERIES = replace(
    QUERIES_IN_24_HOURS,
    parameters={**QUERIES_IN_24_HOURS.parameters, "more_than": 10},
)


@pytest.mark.parametrize(
    ("limit", "count", "alerts"),
    [
        (20, 20, []),
        (20, 21, [21]),
        (5, 5, []),
        (5, 6, [6]),
        (10, 11, [11]),
        (1, 2, [2]),
    ],
)
def test_a_declared_volume_stands_in_for_the_rules(
    volumes: dict[UUID, int], limit: int, count: int, alerts: list[int]
) -> None:
    program = make_actor()
    volumes[program.id] = limit  # type: ignore[index]  # he has one

    make_queries(program, count=count)

    assert fired(FEW_QUERIES) == alerts


def test_a_declared_volume_is_of_one_account_and_one_rule(
    volumes: dict[UUID, int],
) -> None:
    programs, person = [make_actor(), make_actor(), make_actor()], make_actor()
    for program, limit in zip(programs, (20, 20, 30), strict=True):
        volumes[program.id] = limit  # type: ignore[index]  # as above
        make_queries(program, count=21)
    make_queries(person, count=11)
    make_denials(programs[2], count=4, every=SECOND, until=NOW)

    assert sorted(fired(FEW_QUERIES)) == [11, 21, 21]
    assert fired(FEW_QUERIES) == []
    assert fired(DENIALS_IN_5_MINUTES) == [4]


def test_only_the_rule_of_volume_yields_to_what_was_declared() -> None:
    yielding = [
        name for name, rule in FLOOR.items() if "yields_to_declared" in rule.parameters
    ]
    assert yielding == ["queries_in_24_hours"]


def test_the_window_slides_and_ends_where_it_says() -> None:
    spread = timedelta(minutes=5) / 3
    make_denials(make_actor(), count=4, every=spread, until=NOW)
    assert fired(DENIALS_IN_5_MINUTES) == [4]

    make_denials(make_actor(), count=4, every=spread + SECOND, until=NOW)
    assert fired(DENIALS_IN_5_MINUTES) == []


def test_a_scan_that_comes_late_finds_the_burst() -> None:
    make_denials(make_actor(), count=4, every=SECOND, until=NOW - 20 * MINUTE)

    assert fired(DENIALS_IN_5_MINUTES) == [4]


def test_people_are_counted_apart() -> None:
    for _ in range(3):
        make_denials(make_actor(), count=2, every=SECOND, until=NOW)

    assert fired(DENIALS_IN_5_MINUTES) == []


@pytest.mark.parametrize("nobody", [ANONYMOUS, SYSTEM])
def test_nobody_is_not_one_person(nobody: Actor) -> None:
    make_denials(nobody, count=20, every=SECOND, until=NOW)

    assert fired(DENIALS_IN_5_MINUTES) == []


def test_granted_checks_do_not_count() -> None:
    actor = make_actor()
    for _ in range(10):
        make_event(events.AUTHORIZATION_CHECK, at=NOW, actor=actor)

    assert fired(DENIALS_IN_5_MINUTES) == []


def test_an_episode_is_one_alert_however_often_it_is_scanned() -> None:
    actor = make_actor()
    make_denials(actor, count=4, every=SECOND, until=NOW)
    assert fired(DENIALS_IN_5_MINUTES) == [4]
    assert fired(DENIALS_IN_5_MINUTES, now=NOW + MINUTE) == []

    make_denials(actor, count=2, every=SECOND, until=NOW + 2 * MINUTE)

    assert fired(DENIALS_IN_5_MINUTES, now=NOW + 3 * MINUTE) == []
    alert = Alert.objects.get()
    assert alert.count == 6
    assert alert.last_at == NOW + 2 * MINUTE
    assert Event.objects.filter(event_type="security_alert").count() == 1


def test_a_later_episode_is_another_alert() -> None:
    actor = make_actor()
    make_denials(actor, count=4, every=SECOND, until=NOW - 25 * MINUTE)
    assert fired(DENIALS_IN_5_MINUTES, now=NOW - 24 * MINUTE) == [4]

    later = NOW + timedelta(hours=2)
    make_denials(actor, count=4, every=SECOND, until=later)

    assert fired(DENIALS_IN_5_MINUTES, now=later) == [4]
    assert Alert.objects.count() == 2


def test_a_resolved_alert_reopens_only_when_it_goes_on() -> None:
    actor = make_actor()
    make_denials(actor, count=4, every=SECOND, until=NOW)
    fired(DENIALS_IN_5_MINUTES)
    Alert.objects.update(state="resolved")

    assert fired(DENIALS_IN_5_MINUTES, now=NOW + MINUTE) == []
    assert Alert.objects.get().state == "resolved"

    make_denials(actor, count=1, every=SECOND, until=NOW + 2 * MINUTE)
    assert fired(DENIALS_IN_5_MINUTES, now=NOW + 3 * MINUTE) == [5]
    assert Alert.objects.get().state == "open"


def test_an_alert_leaves_a_security_event_in_the_chapters_shape() -> None:
    actor = make_actor()
    make_denials(actor, count=4, every=SECOND, until=NOW)

    fired(DENIALS_IN_5_MINUTES)

    event = Event.objects.get(event_type="security_alert")
    assert event.category == "security"
    described = selectors.describe(event)
    del described["timestamp"]
    assert described == {
        "event_type": "security_alert",
        "alert_type": "denials_in_5_minutes",
        "user_id": str(subject_keys().pseudonym(actor.id)),  # type: ignore[arg-type]
        "failure_count": 4,
        "time_window_minutes": 5,
        "action_taken": "alert_opened",
    }


def test_erased_people_still_raise_alerts() -> None:
    actor = make_actor()
    make_denials(actor, count=4, every=SECOND, until=NOW)
    destroy_key(actor.id)

    assert fired(DENIALS_IN_5_MINUTES) == [4]


def test_the_tasks_run_the_rules() -> None:
    make_denials(make_actor(), count=11, every=SECOND, until=timezone.now())

    assert tasks.run_rules() >= 2
    assert tasks.run_rules() == 0
    assert set(Alert.objects.values_list("rule", flat=True)) >= {
        "denials_in_5_minutes",
        "denials_in_1_hour",
    }


@pytest.mark.django_db(transaction=True)
def test_two_scans_at_once_open_one_alert() -> None:
    make_denials(make_actor(), count=5, every=SECOND, until=NOW)
    barrier = Barrier(4)
    opened: list[list[int]] = []

    def scan() -> None:
        barrier.wait()
        try:
            opened.append(fired(DENIALS_IN_5_MINUTES))
        finally:
            connections.close_all()

    threads = [Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(opened) == [[], [], [], [5]]
    assert Alert.objects.count() == 1

"""Slow rises: asked of each person once an hour, of equally many in each minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from auditlog.models import ActorHour, Alert, DetectionRule, RuleRun
from auditlog.rules import RuleSpec
from auditlog.services import detection
from auditlog.services.detection.turns import ROUND, whose_turn
from auditlog.tests.detection.factories import DAY, HOUR, person

NOW = timezone.now().replace(minute=30, second=20)
MINUTE = timedelta(minutes=1)
RULE = "records_rising_slowly"
needs_database = pytest.mark.django_db


def rise(who: UUID, *, days: int = 6, now: datetime = NOW) -> UUID:
    """Leave days of usual reading, and some of three times as much up to now."""
    counts = [*[100, 130, 90, 120, 110, 80, 105] * 3, *[330] * days]
    noon = now.replace(minute=0, second=0, microsecond=0)
    ActorHour.objects.bulk_create(
        ActorHour(actor_pseudonym=who, hour=noon - DAY * age, records=count)
        for age, count in enumerate(reversed(counts))
    )
    return who


def in_turn(minute: int) -> UUID:
    """Return a pseudonym of the middle of a minute's share."""
    return UUID(int=(2 * minute + 1) * 2**128 // 120)


def slow_rises(name: str = RULE) -> RuleSpec:
    return DetectionRule.objects.get(name=name).spec


def scan(now: datetime, *, name: str = RULE) -> list[UUID | None]:
    alerts = detection.run_rules(now=now, rules=[slow_rises(name)])
    return [alert.actor_pseudonym for alert in alerts]


def minute_of(at: datetime) -> int:
    return int(at.timestamp()) // 60 % 60


@needs_database
def test_of_each_it_is_asked_in_his_own_minute_and_once_an_hour() -> None:
    people = [rise(in_turn(minute)) for minute in range(60)]
    RuleRun.objects.create(rule=RULE, scanned_until=NOW - MINUTE)

    told = [scan(NOW + minute * MINUTE) for minute in range(70)]

    first = minute_of(NOW)
    assert told[:60] == [[who] for who in people[first:] + people[:first]]
    assert told[60:] == [[]] * 10


@needs_database
def test_turns_find_the_same_as_asking_of_everybody_at_once() -> None:
    past = NOW - 2 * HOUR
    who = [rise(person(), days=n, now=past) for n in (1, 2, 4, 6, 8) for _ in range(4)]
    scan(NOW)
    at_once = {alert.actor_pseudonym: alert for alert in Alert.objects.all()}
    Alert.objects.all().delete()
    RuleRun.objects.update(scanned_until=NOW - HOUR)

    for minute in range(-59, 1):
        scan(NOW + minute * MINUTE)

    assert 0 < len(at_once) < len(who)
    assert {alert.actor_pseudonym for alert in Alert.objects.all()} == set(at_once)
    for alert in Alert.objects.all():
        same = at_once[alert.actor_pseudonym]
        assert (alert.count, alert.facts) == (same.count, same.facts)
        assert (alert.first_at, alert.last_at) == (same.first_at, same.last_at)


@needs_database
@pytest.mark.parametrize("away", [2, 40, 59, 60, 61, 1000])
def test_whose_turns_passed_while_no_scan_ran_are_asked_by_the_next(away: int) -> None:
    RuleRun.objects.create(rule=RULE, scanned_until=NOW - away * MINUTE)
    first = minute_of(NOW) + 1 - min(away, 60)
    due = {rise(in_turn(minute % 60)) for minute in range(first, minute_of(NOW) + 1)}
    if away < 60:
        rise(in_turn((first - 1) % 60))

    assert set(scan(NOW)) == due


@needs_database
def test_turns_of_a_scan_that_failed_are_asked_by_the_next() -> None:
    who = rise(in_turn(minute_of(NOW)))
    RuleRun.objects.create(rule=RULE, scanned_until=NOW - MINUTE)
    broken = replace(slow_rises(), parameters={"metric": "records"})
    assert detection.run_rules(now=NOW, rules=[broken]) == []
    assert RuleRun.objects.get(rule=RULE).failures == 1

    assert scan(NOW + MINUTE) == [who]


@needs_database
def test_a_rise_that_ended_after_ones_last_turn_is_seen_in_the_next() -> None:
    who = in_turn(minute_of(NOW))
    scan(NOW - HOUR)
    rise(who, now=NOW - DAY - HOUR / 2)
    RuleRun.objects.update(scanned_until=NOW - MINUTE)

    assert scan(NOW) == [who]


@needs_database
def test_the_first_time_and_after_a_clock_went_back_everybody_is_asked_of() -> None:
    early = rise(in_turn(minute_of(NOW) + 10))
    assert scan(NOW) == [early]

    late = rise(in_turn(minute_of(NOW) + 20))
    assert scan(NOW - 5 * MINUTE) == [late]


@needs_database
def test_a_second_scan_in_a_minute_asks_of_nobody_again() -> None:
    scan(NOW)
    rise(in_turn(minute_of(NOW)))

    assert scan(NOW + timedelta(seconds=20)) == []
    assert scan(NOW + ROUND) != []


@given(
    steps=st.lists(st.integers(0, 4000), min_size=1, max_size=60),
    who=st.uuids(),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - gets its zone
)
def test_whenever_scans_run_nobody_waits_longer_than_an_hour(
    steps: list[int], who: UUID, start: datetime
) -> None:
    last = asked = start.replace(tzinfo=UTC)

    for seconds in steps:
        now = last + timedelta(seconds=seconds)
        turns = whose_turn(last, now=now)
        if turns is None or any(turn.first <= who <= turn.last for turn in turns):
            asked = now
        assert now - asked <= ROUND
        last = now


@given(who=st.uuids(), start=st.integers(0, 59))
def test_in_an_hour_of_minutes_everybody_has_one_turn(who: UUID, start: int) -> None:
    minutes = [NOW + (start + number) * MINUTE for number in range(61)]

    turns = [whose_turn(last, now=now) or () for last, now in pairwise(minutes)]

    assert [len(each) for each in turns] == [1] * 60
    assert sum(turn.first <= who <= turn.last for (turn,) in turns) == 1

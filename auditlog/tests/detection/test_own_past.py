"""Kinds of rules that compare people with their own past."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from auditlog import events
from auditlog.models import ActorBaseline, ActorHour
from auditlog.registry import EventType
from auditlog.tests.detection.factories import (
    DAY,
    MINUTE,
    NOW,
    SECOND,
    every,
    make_events,
    person,
)
from auditlog.tests.detection.strangers import AWAY, HOME, found, rule

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("new_device", "device_hash"),
        ("new_network", "network_hash"),
        ("new_country", "country"),
    ],
)
def test_a_new_place(name: str, column: str) -> None:
    home, away = ("DE", "FR") if column == "country" else (HOME, AWAY)
    traveller, settled, newcomer = person(), person(), person()
    for who in (traveller, settled):
        past = every(DAY, count=4, until=NOW - DAY)
        make_events("accounts.signed_in", past, actor_pseudonym=who, **{column: home})
    for who, place in ((traveller, away), (settled, home), (newcomer, away)):
        make_events("accounts.signed_in", [NOW], actor_pseudonym=who, **{column: place})

    keys = [one.actor_pseudonym for one in found(rule(name))]

    assert keys == [traveller]


@pytest.mark.parametrize(("days", "fires"), [(29, False), (31, True)])
def test_a_place_is_new_again_after_its_days(*, days: int, fires: bool) -> None:
    who = person()
    make_events(
        "accounts.signed_in",
        [NOW - days * DAY],
        actor_pseudonym=who,
        device_hash=AWAY,
    )
    make_events(
        "accounts.signed_in",
        every(DAY, count=4, until=NOW - DAY),
        actor_pseudonym=who,
        device_hash=HOME,
    )
    make_events("accounts.signed_in", [NOW], actor_pseudonym=who, device_hash=AWAY)

    assert bool(found(rule("new_device"))) is fires


def make_baseline(who: UUID | None, metric: str, **values: object) -> None:
    """Leave a baseline for each part of the week and the day."""
    told = {"median": 3.0, "mad": 0.2, "ewma": 3.0, "n": 28, **values}
    for hour_class in ("work", "evening", "night", "weekend", "day"):
        ActorBaseline.objects.create(
            actor_pseudonym=who,
            metric=metric,
            hour_class=hour_class,
            updated_at=NOW,
            **told,
        )


# exp(3 + 4 * 1.4826 * 0.2) - 1 = 64.8
@pytest.mark.parametrize(("count", "fires"), [(64, False), (65, True)])
def test_far_above_ones_own_past(*, count: int, fires: bool) -> None:
    who, calm = person(), person()
    make_baseline(who, "queries")
    make_baseline(calm, "queries", median=9.0)
    make_baseline(None, "queries", median=9.0)
    for each in (who, calm):
        times = every(SECOND, count=count, until=NOW)
        make_events(events.CHATBOT_QUERY, times, actor_pseudonym=each)

    keys = [one.actor_pseudonym for one in found(rule("queries_in_1_hour_above_usual"))]

    assert keys == [who] * fires


def test_a_newcomer_is_measured_by_everybody() -> None:
    who = person()
    make_baseline(None, "queries")
    times = every(SECOND, count=65, until=NOW)
    make_events(events.CHATBOT_QUERY, times, actor_pseudonym=who)

    assert len(found(rule("queries_in_1_hour_above_usual"))) == 1


def test_without_any_past_nothing_is_unusual() -> None:
    times = every(SECOND, count=500, until=NOW)
    make_events(events.CHATBOT_QUERY, times, actor_pseudonym=person())

    assert found(rule("queries_in_1_hour_above_usual")) == []


@pytest.mark.parametrize(("resources", "fires"), [(64, False), (65, True)])
def test_more_record_sets_than_usual(*, resources: int, fires: bool) -> None:
    who = person()
    make_baseline(who, "resources")
    for number in range(resources):
        make_events(
            events.DATA_ACCESS,
            [NOW - number * SECOND],
            actor_pseudonym=who,
            resource_type="sales",
            resource_id=f"q{number}",
        )

    assert bool(found(rule("record_sets_above_usual", spreads=4))) is fires


def a_friday_night() -> datetime:
    return NOW.replace(hour=23, minute=30) - DAY * ((NOW.weekday() - 4) % 7 + 7)


def make_custom(who: UUID, hour_class: str, n: int) -> None:
    """Let somebody have been there in so many hours of that part of the week."""
    if n:
        ActorBaseline.objects.create(
            actor_pseudonym=who,
            metric="activity",
            hour_class=hour_class,
            median=0,
            mad=0,
            ewma=0,
            n=n,
            updated_at=NOW,
        )


@pytest.mark.parametrize(
    ("hours_here", "hours_else", "fires"),
    [(0, 40, True), (0, 20, False), (10, 40, False)],
)
def test_off_hours_are_those_without_custom(
    *, hours_here: int, hours_else: int, fires: bool
) -> None:
    who, friday_night = person(), a_friday_night()
    for hour_class, n in (("night", hours_here), ("work", hours_else)):
        make_custom(who, hour_class, n)
    make_events(
        events.CHATBOT_QUERY,
        every(MINUTE, count=5, until=friday_night),
        actor_pseudonym=who,
    )

    assert bool(found(rule("off_hours"), now=friday_night)) is fires


@pytest.mark.parametrize("event", [events.EXPORT_STARTED, events.EVIDENCE_EXPORTED])
@pytest.mark.parametrize(("nights", "fires"), [(0, True), (10, False)])
def test_one_export_at_night_by_who_is_never_there(
    event: EventType, *, nights: int, fires: bool
) -> None:
    who, night = person(), a_friday_night()
    for hour_class, n in (("night", nights), ("work", 40)):
        make_custom(who, hour_class, n)
    make_events(event, [night], actor_pseudonym=who)

    assert bool(found(rule("audit_export_off_hours"), now=night)) is fires


def make_days(who: UUID, counts: list[int], *, until: datetime = NOW) -> None:
    """Leave one hour a day of so many records, the last of them today."""
    noon = until.replace(minute=0, second=0, microsecond=0)
    ActorHour.objects.bulk_create(
        ActorHour(actor_pseudonym=who, hour=noon - DAY * age, records=count)
        for age, count in enumerate(reversed(counts))
    )


@pytest.mark.parametrize(("factor", "fires"), [(1.0, False), (1.2, False), (3.0, True)])
def test_a_slow_rise_adds_up(*, factor: float, fires: bool) -> None:
    who = person()
    usual = [100, 130, 90, 120, 110, 80, 105] * 3
    make_days(who, [*usual, *(int(110 * factor) for _ in range(6))])

    assert bool(found(rule("records_rising_slowly"))) is fires


@pytest.mark.parametrize(("known", "fires"), [(9, False), (10, True)])
def test_a_rise_is_none_of_whom_little_is_known(*, known: int, fires: bool) -> None:
    # The days that are summed up are not among those that are compared with.
    make_days(person(), [*[100] * known, *[110] * 4, *[330] * 6])

    assert bool(found(rule("records_rising_slowly"))) is fires


def test_one_burst_is_no_slow_rise() -> None:
    make_days(person(), [*[100, 130, 90, 120, 110, 80, 105] * 3, 100_000])

    assert found(rule("records_rising_slowly")) == []


@pytest.mark.parametrize(
    ("silent_days", "records", "fires"),
    [(22, 20, True), (22, 19, False), (20, 20, False), (None, 20, False)],
)
def test_a_dormant_account_comes_back(
    *, silent_days: int | None, records: int, fires: bool
) -> None:
    who = person()
    if silent_days:
        hour = (NOW - silent_days * DAY).replace(minute=0, second=0, microsecond=0)
        ActorHour.objects.create(actor_pseudonym=who, hour=hour, queries=1)
        # Somebody tried his password meanwhile.
        ActorHour.objects.create(
            actor_pseudonym=who, hour=hour + (silent_days - 1) * DAY, failures=3
        )
    make_events(events.DATA_ACCESS, [NOW], actor_pseudonym=who, result_count=records)

    assert bool(found(rule("dormant_account_reads"))) is fires

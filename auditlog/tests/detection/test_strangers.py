"""Sign-ins that fail in networks where the person never was."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from auditlog.models import ActorHour
from auditlog.services import detection
from auditlog.tests.detection.factories import DAY, HOUR, MINUTE, NOW, every, person
from auditlog.tests.detection.strangers import (
    AWAY,
    CODE,
    FAILED,
    HOME,
    THREE,
    be,
    fail,
    found,
    rule,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "event", "apart", "below"),
    [
        ("sign_in_failures_of_strangers", FAILED, 8 * HOUR, 2),
        ("sign_in_failures_of_strangers", CODE, 8 * HOUR, 2),
        ("sign_in_failures_of_strangers_in_7_days", FAILED, 50 * HOUR, 3),
        ("sign_in_failure_of_a_stranger", FAILED, HOUR, 0),
        ("second_factor_failures_of_strangers_sign_in", CODE, 20 * HOUR, 1),
        ("second_factor_failure_of_a_stranger_sign_in", CODE, HOUR, 0),
    ],
)
def test_guesses_of_one_account(
    owner: UUID, name: str, event: str, apart: timedelta, below: int
) -> None:
    times = every(apart, count=below + 1, until=NOW)
    fail(owner, AWAY, *times[:below], event=event)
    assert found(rule(name)) == []

    fail(owner, b"x" * 16, times[below], event=event)
    (one,) = found(rule(name))

    assert (one.actor_pseudonym, one.count) == (owner, below + 1)


def test_wrong_codes_count_from_anywhere_when_there_are_many(owner: UUID) -> None:
    fail(owner, HOME, *every(HOUR, count=4, until=NOW), event=CODE)
    assert found(rule("second_factor_failures_sign_in")) == []

    fail(owner, HOME, NOW - 5 * HOUR, event=CODE)

    assert len(found(rule("second_factor_failures_sign_in"))) == 1


def test_a_network_that_nobody_uses_fails_as_three(owner: UUID) -> None:
    victims = [owner, person(), person()]
    for who in victims[:2]:
        fail(who, AWAY, NOW - 20 * HOUR, NOW)
    assert found(rule("spray_of_a_stranger")) == []

    fail(victims[2], AWAY, NOW)

    assert [one.group_hash for one in found(rule("spray_of_a_stranger"))] == [AWAY]


def test_names_that_do_not_exist_are_tried(owner: UUID) -> None:
    name = "sign_in_names_tried_of_a_stranger"
    fail(None, AWAY, *every(HOUR, count=5, until=NOW))
    assert found(rule(name)) == []

    fail(None, AWAY, NOW)

    assert [one.count for one in found(rule(name))] == [6]


@pytest.mark.parametrize(
    ("name", "window", "below"),
    [
        ("spray_of_strangers_in_1_hour", HOUR, 2),
        ("spray_of_strangers_in_24_hours", DAY, 4),
        ("spray_of_strangers_in_3_days", 3 * DAY, 6),
    ],
)
def test_a_spray_from_everywhere(
    owner: UUID, name: str, window: timedelta, below: int
) -> None:
    for number in range(below):
        at = NOW - window * number / (below + 1)
        fail(person(), bytes([number]) * 16, at)
    fail(owner, HOME, NOW)
    assert found(rule(name)) == []

    fail(person(), AWAY, NOW - window / 2)
    (one,) = found(rule(name))

    assert one.key == (None, None)
    assert one.facts == {"distinct": below + 1}


@pytest.mark.parametrize(("people", "fires"), [(2, False), (3, True)])
def test_new_passwords_are_asked_for(owner: UUID, *, people: int, fires: bool) -> None:
    asked = "accounts.password_reset_asked"
    victims = [person() for _ in range(people)]
    for who in victims:
        fail(who, AWAY, NOW, event=asked)
    fail(owner, HOME, NOW, event=asked)

    each = found(rule("reset_asked_sign_in_of_a_stranger"))

    assert {one.actor_pseudonym for one in each} == set(victims)
    assert bool(found(rule("resets_asked_sign_in_of_a_stranger"))) is fires


@pytest.mark.parametrize(("usual", "fires"), [(1, True), (2, False)])
def test_the_limit_over_everybody_rises_with_the_usual_day(
    owner: UUID, *, usual: int, fires: bool
) -> None:
    for day in range(3, 20):
        for _ in range(usual):
            hour = (NOW - day * DAY).replace(minute=0, second=0, microsecond=0)
            ActorHour.objects.create(
                actor_pseudonym=person(), hour=hour, failures=1, strangers=1
            )
    for number in range(5):
        fail(person(), bytes([number]) * 16, NOW)

    assert bool(found(rule("spray_of_strangers_in_24_hours"))) is fires


def test_what_is_usual_is_counted_by_the_hour(owner: UUID) -> None:
    fail(owner, AWAY, NOW - 2 * MINUTE)
    fail(owner, HOME, NOW - 2 * MINUTE, NOW - MINUTE)

    detection.roll_up_hours(now=NOW)

    rows = ActorHour.objects.filter(failures__gt=0)
    assert sum(row.failures for row in rows) == 3
    assert sum(row.strangers for row in rows) == 1


@pytest.mark.parametrize(("failures", "fires"), [(1, False), (2, True)])
def test_a_guess_was_right(owner: UUID, *, failures: int, fires: bool) -> None:
    fail(owner, AWAY, *every(HOUR, count=failures, until=NOW - HOUR))
    fail(owner, HOME, NOW - HOUR)
    be(owner, b"x" * 16, NOW)

    after = found(rule("sign_in_after_failures_of_strangers"))

    assert [one.actor_pseudonym for one in after] == [owner] * fires


def test_the_owner_who_signs_in_at_home_guessed_nothing(owner: UUID) -> None:
    fail(owner, AWAY, *THREE)
    be(owner, HOME, NOW)

    assert found(rule("sign_in_after_failures_of_strangers")) == []

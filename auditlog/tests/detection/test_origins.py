"""Where an event came from as a condition: what is known, of whom, and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from auditlog import habit_data
from auditlog.constants import SCAN_SLACK
from auditlog.models import KnownPlace
from auditlog.rules import find_problems
from auditlog.services import detection
from auditlog.services.detection.places import forget_places, keep_places
from auditlog.tests.detection.factories import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    every,
    make_events,
    person,
    pseudonym_of,
)
from auditlog.tests.detection.strangers import (
    AWAY,
    FAILED,
    GUESSED,
    HOME,
    OFFICE,
    READ,
    THREE,
    be,
    fail,
    found,
    rule,
)
from auditlog.tests.factories import destroy_key, make_actor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("network", "fires"), [(HOME, False), (AWAY, True)])
def test_a_mistake_at_home_is_a_sign_elsewhere(
    owner: UUID, *, network: bytes, fires: bool
) -> None:
    fail(owner, network, *THREE)

    assert [one.actor_pseudonym for one in found(rule(GUESSED))] == [owner] * fires


def test_only_what_came_from_elsewhere_counts(owner: UUID) -> None:
    fail(owner, AWAY, NOW - MINUTE, NOW)
    fail(owner, HOME, *THREE)

    assert found(rule(GUESSED)) == []


@pytest.mark.parametrize(
    ("age", "fires"), [(30 * DAY, False), (30 * DAY + 3 * MINUTE, True)]
)
def test_a_network_is_forgotten_after_30_days(
    owner: UUID, *, age: timedelta, fires: bool
) -> None:
    be(owner, AWAY, NOW - age)
    keep_places(now=NOW - HOUR)
    fail(owner, AWAY, *THREE)

    assert bool(found(rule(GUESSED))) is fires


def test_a_success_afterwards_does_not_hide_the_guesses(owner: UUID) -> None:
    fail(owner, AWAY, *THREE)
    be(owner, AWAY, NOW)

    assert len(found(rule(GUESSED))) == 1


def test_a_place_that_was_forgotten_begins_anew(owner: UUID) -> None:
    KnownPlace.objects.create(
        actor_pseudonym=owner,
        network_hash=AWAY,
        first_at=NOW - 80 * DAY,
        last_at=NOW - 40 * DAY,
    )
    fail(owner, AWAY, *THREE)
    be(owner, AWAY, NOW)

    assert len(found(rule(GUESSED))) == 1
    assert KnownPlace.objects.get(network_hash=AWAY).first_at == NOW


@pytest.mark.parametrize(("others", "fires"), [(2, True), (3, False)])
def test_a_network_of_three_others_is_known(
    owner: UUID, *, others: int, fires: bool
) -> None:
    for _ in range(others):
        be(person(), OFFICE, NOW - DAY)
    fail(owner, OFFICE, *THREE)

    assert bool(found(rule(GUESSED))) is fires
    assert found(rule(GUESSED, origin="not_own")) != []
    assert found(rule(GUESSED, origin="own")) == []


@pytest.mark.parametrize(
    ("age", "fires"), [(7 * DAY + HOUR, True), (7 * DAY - HOUR, False)]
)
def test_nothing_is_unknown_in_the_first_week(*, age: timedelta, fires: bool) -> None:
    who = person()
    be(who, HOME, NOW - age)
    fail(who, AWAY, *THREE)

    assert bool(found(rule(GUESSED))) is fires


def test_without_any_history_nothing_is_unknown() -> None:
    fail(person(), AWAY, *THREE)

    assert found(rule(GUESSED)) == []


def test_a_network_that_is_not_known_to_the_log_is_no_network(owner: UUID) -> None:
    make_events(
        FAILED,
        THREE,
        subject_pseudonym=owner,
        network_hash=None,
        actor_kind="anonymous",
    )

    assert found(rule(GUESSED)) == []


class TestPlaces:
    def test_they_are_kept_once_however_often(self, owner: UUID) -> None:
        for _ in range(2):
            keep_places(now=NOW)

        place = KnownPlace.objects.get()
        assert (place.actor_pseudonym, bytes(place.network_hash)) == (owner, HOME)
        assert (place.first_at, place.last_at) == (NOW - 20 * DAY, NOW - DAY)
        assert keep_places(now=NOW) == 0

    def test_who_is_refused_is_there_as_well(self, owner: UUID) -> None:
        keep_places(now=NOW - MINUTE)
        be(owner, AWAY, NOW, event="authorization_denied")

        assert keep_places(now=NOW) == 1

    def test_what_comes_late_is_taken_in(self, owner: UUID) -> None:
        keep_places(now=NOW - MINUTE)
        be(owner, AWAY, NOW - SCAN_SLACK)

        assert keep_places(now=NOW) == 1

    def test_a_clock_that_goes_back_loses_nothing(self, owner: UUID) -> None:
        keep_places(now=NOW + DAY)
        be(owner, AWAY, NOW)

        assert keep_places(now=NOW) == 1

    def test_strangers_and_the_system_have_no_place(self, owner: UUID) -> None:
        keep_places(now=NOW)
        fail(owner, AWAY, NOW)
        make_events(
            READ, [NOW], actor_pseudonym=owner, network_hash=AWAY, actor_kind="system"
        )

        assert keep_places(now=NOW) == 0

    def test_they_are_forgotten_after_90_days(self, owner: UUID) -> None:
        keep_places(now=NOW)

        assert forget_places(now=NOW - DAY + 90 * DAY) == 0
        assert forget_places(now=NOW - DAY + 90 * DAY + SECOND) == 1

    def test_the_erased_have_none_and_get_none(self) -> None:
        actor = make_actor()
        assert actor.id is not None
        who = pseudonym_of(actor)
        be(who, HOME, NOW)
        keep_places(now=NOW)

        assert [row["network"] for row in habit_data.export_places(actor.id)] == [
            HOME.hex()
        ]
        assert habit_data.erase_places(actor.id) == 1
        destroy_key(actor.id)
        keep_places(now=NOW)

        assert not KnownPlace.objects.exists()

    def test_rules_run_without_them(self, owner: UUID, monkeypatch) -> None:
        def failing(*, now: datetime) -> int:
            raise RuntimeError

        monkeypatch.setattr("auditlog.services.detection.engine.keep_places", failing)
        fail(owner, HOME, *every(SECOND, count=5, until=NOW))

        names = {alert.rule for alert in detection.run_rules(now=NOW)}

        assert "failed_sign_ins_in_5_minutes" in names


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "elsewhere"},
        {"settles_after_hours": 169},
        {"actor_kind": "system"},
        {"after_other_network_within": 0},
    ],
)
def test_what_no_rule_may_be_told(wrong: dict[str, object]) -> None:
    assert "parameters" in find_problems(rule(GUESSED, **wrong))


def test_a_usual_day_is_known_of_strangers_alone() -> None:
    spray = rule("spray_of_strangers_in_24_hours")

    assert find_problems(spray) == {}
    for changed in ({"origin": "not_own"}, {"value": "device"}):
        told = replace(spray, parameters={**spray.parameters, **changed})
        assert "parameters" in find_problems(told)
    assert "parameters" in find_problems(replace(spray, group="network"))

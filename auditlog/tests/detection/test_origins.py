"""Where an event came from as a condition: what is known, of whom, and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from django.utils import timezone

from auditlog import habit_data
from auditlog.constants import SCAN_SLACK
from auditlog.models import ActorBaseline, ActorHour, DetectionRule, KnownPlace, RuleRun
from auditlog.rules import Finding, RuleSpec, Span, find_problems
from auditlog.services import detection
from auditlog.services.detection.evaluation import evaluate
from auditlog.services.detection.places import RUN, forget_places, keep_places
from auditlog.tests.detection.factories import (
    DAY,
    HOUR,
    every,
    make_events,
    person,
    pseudonym_of,
)
from auditlog.tests.factories import destroy_key, make_actor

pytestmark = pytest.mark.django_db
NOW: Final = timezone.now()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOME, AWAY, OFFICE = b"h" * 16, b"a" * 16, b"o" * 16
FAILED, CODE = "accounts.sign_in_failed", "accounts.second_factor_failed"
SIGNED_IN, ASKED, READ = "accounts.signed_in", "chatbot_query", "data_access"


def rule(name: str, **parameters: object) -> RuleSpec:
    """Return the seeded rule, some of its parameters changed."""
    spec = DetectionRule.objects.get(name=name).spec
    return replace(spec, parameters={**spec.parameters, **parameters})  # type: ignore[dict-item]  # as in the database


def found(spec: RuleSpec, *, now: datetime = NOW) -> list[Finding]:
    """Return what a scan finds that knows of every place up to now."""
    keep_places(now=now)
    return evaluate(spec, Span(now - SCAN_SLACK - MINUTE, now))


def be(who: UUID, network: bytes, *times: datetime, event: str = SIGNED_IN) -> None:
    """Let somebody act from a network at these times."""
    make_events(event, times, actor_pseudonym=who, network_hash=network)


def fail(who: UUID | None, network: bytes, *times: datetime, event: str = FAILED):
    """Let somebody fail to sign in as the person from a network at these times."""
    make_events(
        event,
        times,
        subject_pseudonym=who,
        network_hash=network,
        actor_kind="anonymous",
        outcome="failure",
    )


@pytest.fixture
def owner() -> UUID:
    """Return somebody who has used the home network for long, and yesterday."""
    who = person()
    be(who, HOME, NOW - 20 * DAY, NOW - DAY)
    return who


GUESSED: Final = "sign_in_failures_of_strangers"
THREE: Final = (NOW - 2 * MINUTE, NOW - MINUTE, NOW)


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


@pytest.mark.parametrize(("count", "fires"), [(6, False), (7, True)])
def test_many_sign_ins_are_a_sign(*, count: int, fires: bool) -> None:
    be(person(), HOME, *every(3 * HOUR, count=count, until=NOW))

    assert bool(found(rule("sign_ins_in_24_hours"))) is fires


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


STOLEN: Final = "session_from_unknown_network"


@pytest.mark.parametrize("event", [ASKED, READ])
def test_a_session_is_used_where_nobody_signed_in(owner: UUID, event: str) -> None:
    be(owner, AWAY, NOW - MINUTE, NOW, event=event)

    (one,) = found(rule(STOLEN))

    assert (one.actor_pseudonym, one.count) == (owner, 1)


def test_who_signs_in_first_has_stolen_nothing(owner: UUID) -> None:
    be(owner, AWAY, NOW - MINUTE)
    be(owner, AWAY, NOW, event=ASKED)

    assert found(rule(STOLEN)) == []


def test_a_newcomer_has_no_old_place_to_be_away_from(owner: UUID) -> None:
    newcomer = person()
    be(newcomer, OFFICE, NOW - 6 * DAY)
    be(newcomer, AWAY, NOW, event=ASKED)
    assert found(rule(STOLEN)) == []

    be(newcomer, b"x" * 16, NOW - 8 * DAY)
    RuleRun.objects.filter(rule=RUN).delete()

    assert len(found(rule(STOLEN))) == 1


@pytest.mark.parametrize(("kind", "fires"), [("user", False), ("service", True)])
def test_a_program_moves(owner: UUID, *, kind: str, fires: bool) -> None:
    for _ in range(3):
        be(person(), OFFICE, NOW - DAY)
    make_events(
        ASKED, [NOW], actor_pseudonym=owner, network_hash=OFFICE, actor_kind=kind
    )

    assert bool(found(rule("program_from_new_network"))) is fires


TO_AND_FRO: Final = "to_and_fro_unknown_network"


def go_to_and_fro(who: UUID, *, apart: timedelta = HOUR, times: int = 2) -> None:
    """Let somebody act at home and then away, so often; the last time now."""
    for number in range(times):
        at = NOW - number * 5 * HOUR
        be(who, HOME, at - apart, event=ASKED)
        be(who, AWAY, at, event=READ if number else ASKED)


@pytest.mark.parametrize(("times", "fires"), [(1, False), (2, True)])
def test_two_people_in_two_places(owner: UUID, *, times: int, fires: bool) -> None:
    go_to_and_fro(owner, times=times)
    # To stay there is no further change, and to be without a network is none.
    be(owner, AWAY, NOW - 2 * SECOND, NOW - SECOND)
    make_events(ASKED, [NOW - MINUTE], actor_pseudonym=owner, network_hash=None)

    assert [one.actor_pseudonym for one in found(rule(TO_AND_FRO))] == [owner] * fires


@pytest.mark.parametrize(("apart", "fires"), [(HOUR, True), (HOUR + SECOND, False)])
def test_who_travels_needs_time(owner: UUID, *, apart: timedelta, fires: bool) -> None:
    go_to_and_fro(owner, apart=apart)

    assert bool(found(rule(TO_AND_FRO))) is fires


@pytest.mark.parametrize(("age", "fires"), [(23 * HOUR, True), (29 * HOUR, False)])
def test_a_place_settles_within_a_day(
    owner: UUID, *, age: timedelta, fires: bool
) -> None:
    be(owner, AWAY, NOW - age)
    go_to_and_fro(owner)

    assert bool(found(rule(TO_AND_FRO))) is fires


@pytest.mark.parametrize(
    ("name", "event", "below"),
    [
        ("sign_ins_from_unknown_network", SIGNED_IN, 5),
        ("denials_from_unknown_network", "authorization_denied", 2),
        ("sign_in_means_changed_in_unknown_network", "accounts.factor_enrolled", 0),
        ("privilege_used_in_unknown_network", "rbac.role_assigned", 0),
        ("export_to_unknown_network", "privacy.export_downloaded", 0),
    ],
)
def test_what_is_rarely_done_where_one_never_was(
    owner: UUID, name: str, event: str, below: int
) -> None:
    newcomer = person()

    def act(who: UUID, network: bytes, count: int) -> None:
        make_events(
            event,
            every(HOUR, count=count, until=NOW),
            actor_pseudonym=who,
            subject_pseudonym=who,
            network_hash=network,
        )

    act(owner, HOME, below + 1)
    act(newcomer, AWAY, below + 1)
    act(owner, AWAY, below)
    assert found(rule(name)) == []

    act(owner, AWAY, 1)

    assert [one.actor_pseudonym for one in found(rule(name))] == [owner]


@pytest.mark.parametrize(("network", "fires"), [(HOME, False), (AWAY, True)])
def test_at_an_odd_hour_in_an_odd_place(*, network: bytes, fires: bool) -> None:
    who = person()
    night = NOW.replace(hour=23, minute=30) - DAY * ((NOW.weekday() - 4) % 7 + 7)
    ActorBaseline.objects.create(
        actor_pseudonym=who,
        metric="activity",
        hour_class="work",
        median=0,
        mad=0,
        ewma=0,
        n=40,
        updated_at=NOW,
    )
    be(who, HOME, night - 20 * DAY)
    be(who, network, night - MINUTE, night - SECOND)
    assert found(rule("off_hours_unknown_network"), now=night) == []

    be(who, network, night, event=ASKED)

    assert bool(found(rule("off_hours_unknown_network"), now=night)) is fires


@pytest.mark.parametrize(("records", "fires"), [(500, False), (501, True)])
def test_reading_in_a_new_place(owner: UUID, *, records: int, fires: bool) -> None:
    be(owner, AWAY, NOW - 2 * HOUR)
    make_events(
        READ,
        [NOW - HOUR],
        actor_pseudonym=owner,
        network_hash=AWAY,
        result_count=records - 100,
    )
    make_events(READ, [NOW], actor_pseudonym=owner, network_hash=AWAY, result_count=100)
    make_events(READ, [NOW], actor_pseudonym=owner, network_hash=HOME, result_count=100)

    assert bool(found(rule("records_from_unknown_network"))) is fires


@pytest.mark.parametrize(("network", "fires"), [(HOME, False), (AWAY, True)])
def test_the_dormant_come_from_elsewhere(*, network: bytes, fires: bool) -> None:
    who = person()
    be(who, HOME, NOW - 22 * DAY)
    hour = (NOW - 22 * DAY).replace(minute=0, second=0, microsecond=0)
    ActorHour.objects.create(actor_pseudonym=who, hour=hour, queries=1)
    be(who, network, NOW)

    assert bool(found(rule("dormant_account_unknown_network"))) is fires


@pytest.mark.parametrize(
    ("days", "is_minded", "fires"),
    [(21, False, True), (20, False, False), (40, True, False)],
)
def test_an_account_that_was_never_used_is_dormant(
    owner: UUID, *, days: int, is_minded: bool, fires: bool
) -> None:
    who = person()
    made = [NOW - days * DAY]
    make_events("accounts.user_created", made, subject_pseudonym=who)
    if is_minded:
        make_events("rbac.role_assigned", [NOW - DAY], subject_pseudonym=who)
    be(who, AWAY, NOW)

    assert bool(found(rule("dormant_account_unknown_network"))) is fires


def test_of_whom_nothing_is_known_is_not_dormant(owner: UUID) -> None:
    be(person(), AWAY, NOW)

    assert found(rule("dormant_account_unknown_network")) == []


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

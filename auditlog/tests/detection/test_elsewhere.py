"""What somebody does in a network in which he never was."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from auditlog.models import ActorBaseline, ActorHour, RuleRun
from auditlog.services.detection.places import RUN
from auditlog.tests.detection.factories import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    every,
    make_events,
    person,
)
from auditlog.tests.detection.strangers import (
    ASKED,
    AWAY,
    HOME,
    OFFICE,
    READ,
    be,
    found,
    rule,
)

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize(
    ("apart", "fires"), [(2 * HOUR, True), (2 * HOUR + SECOND, False)]
)
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
    [(21, False, True), (20, False, False), (30, True, False)],
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

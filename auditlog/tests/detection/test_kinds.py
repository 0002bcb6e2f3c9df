"""Each kind of rule that counts: at its limit, not below, within its window exactly."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from auditlog import events
from auditlog.registry import EventType
from auditlog.tests.detection.factories import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    every,
    make_events,
    person,
)
from auditlog.tests.detection.strangers import AWAY, HOME, found, rule

pytestmark = pytest.mark.django_db


def fail_as(people: list[UUID], *, network: bytes = HOME, each: int = 3) -> None:
    """Let the network fail to sign in as each of the people, within 20 minutes."""
    for number, who in enumerate(people):
        times = every(5 * MINUTE, count=each, until=NOW - number * SECOND)
        make_events(
            "accounts.sign_in_failed",
            times,
            subject_pseudonym=who,
            network_hash=network,
            actor_kind="anonymous",
        )


@pytest.mark.parametrize(("people", "fires"), [(4, False), (5, True)])
def test_a_spray_is_many_accounts_of_one_network(*, people: int, fires: bool) -> None:
    fail_as([person() for _ in range(people)])

    (*episodes,) = found(rule("password_spray_one_network", events_at_least=12))

    assert bool(episodes) is fires
    if fires:
        assert episodes[0].group_hash == HOME
        assert episodes[0].actor_pseudonym is None
        assert episodes[0].facts == {"distinct": 5}


def test_a_spray_needs_enough_tries_and_few_each() -> None:
    fail_as([person() for _ in range(5)], each=3)

    spray = rule("password_spray_one_network")
    assert [one.count for one in found(spray)] == [15]
    assert found(rule("password_spray_one_network", events_at_least=16)) == []
    assert found(rule("password_spray_one_network", events_each_at_most=2)) == []


def test_a_spray_over_two_networks_is_not_one_networks() -> None:
    fail_as([person() for _ in range(4)])
    fail_as([person() for _ in range(4)], network=AWAY)

    assert found(rule("password_spray_one_network", events_at_least=1)) == []


@pytest.mark.parametrize(("networks", "fires"), [(4, False), (5, True)])
def test_a_spray_from_everywhere_is_everybodys(*, networks: int, fires: bool) -> None:
    for number in range(10):
        fail_as([person()], network=bytes([number % networks]) * 16)

    episodes = found(rule("password_spray_many_networks"))

    assert bool(episodes) is fires
    assert [one.key for one in episodes] == [(None, None)] * fires


@pytest.mark.parametrize(
    ("apart", "fires"),
    [(10 * MINUTE, True), (10 * MINUTE + SECOND, False)],
)
def test_different_values_count_while_all_are_in_the_window(
    *, apart: timedelta, fires: bool
) -> None:
    who = person()
    for number in range(12):
        make_events(
            events.DATA_ACCESS,
            [NOW - apart * number / 11],
            actor_pseudonym=who,
            resource_type="sales",
            resource_id=f"q{number}",
        )

    assert bool(found(rule("many_records_queries_in_10_minutes"))) is fires


def test_the_same_value_counts_once_however_often() -> None:
    make_events(
        events.DATA_ACCESS,
        every(SECOND, count=50, until=NOW),
        actor_pseudonym=person(),
        resource_type="sales",
        resource_id="q",
    )

    assert found(rule("many_records_queries_in_10_minutes")) == []


def test_a_value_that_comes_again_stays_in_the_window() -> None:
    who = person()
    again = every(9 * MINUTE, count=3, until=NOW)
    for number in range(11):
        make_events(
            events.DATA_ACCESS,
            [NOW - number * SECOND],
            actor_pseudonym=who,
            resource_type="sales",
            resource_id=f"q{number}",
        )
    make_events(
        events.DATA_ACCESS,
        again,
        actor_pseudonym=who,
        resource_type="sales",
        resource_id="again",
    )

    assert [one.facts["distinct"] for one in found(rule(MANY))] == [12]


MANY = "many_records_queries_in_10_minutes"


@pytest.mark.parametrize(
    ("apart", "fires"), [(30 * MINUTE, True), (31 * MINUTE, False)]
)
def test_two_countries_within_half_an_hour(*, apart: timedelta, fires: bool) -> None:
    who = person()
    make_events(events.CHATBOT_QUERY, [NOW - apart], actor_pseudonym=who, country="DE")
    make_events(events.CHATBOT_QUERY, [NOW], actor_pseudonym=who, country="FR")
    make_events(events.CHATBOT_QUERY, [NOW], actor_pseudonym=person(), country="IT")

    keys = [one.actor_pseudonym for one in found(rule("two_countries_in_30_minutes"))]

    assert keys == [who] * fires


@pytest.mark.parametrize("unknown", [None, ""])
def test_an_unknown_country_is_no_country(unknown: str | None) -> None:
    who = person()
    make_events(events.CHATBOT_QUERY, [NOW], actor_pseudonym=who, country="DE")
    make_events(events.CHATBOT_QUERY, [NOW], actor_pseudonym=who, country=unknown)

    assert found(rule("two_countries_in_30_minutes")) == []


def test_a_session_is_of_one_device() -> None:
    thief, mover = person(), person()
    for number in range(2):
        device = bytes([number]) * 16
        make_events(
            events.CHATBOT_QUERY,
            [NOW],
            actor_pseudonym=thief,
            session_hash=b"s" * 16,
            device_hash=device,
        )
        make_events(
            events.CHATBOT_QUERY,
            [NOW],
            actor_pseudonym=mover,
            session_hash=device,
            device_hash=device,
        )

    keys = [one.actor_pseudonym for one in found(rule("session_on_two_devices"))]

    assert keys == [thief]


@pytest.mark.parametrize(("failures", "fires"), [(4, False), (5, True)])
def test_success_after_failures(*, failures: int, fires: bool) -> None:
    who = person()
    make_events(
        "accounts.sign_in_failed",
        every(MINUTE, count=failures, until=NOW - 5 * HOUR),
        subject_pseudonym=who,
        actor_kind="anonymous",
    )
    make_events("accounts.signed_in", [NOW], actor_pseudonym=who)

    keys = [one.actor_pseudonym for one in found(rule("sign_in_after_failures"))]

    assert keys == [who] * fires


def test_success_before_the_failures_is_no_success_after_them() -> None:
    who = person()
    make_events("accounts.signed_in", [NOW - HOUR], actor_pseudonym=who)
    make_events(
        "accounts.sign_in_failed",
        every(SECOND, count=6, until=NOW),
        subject_pseudonym=who,
        actor_kind="anonymous",
    )

    assert found(rule("sign_in_after_failures"), now=NOW) == []


@pytest.mark.parametrize(("people", "fires"), [(7, False), (8, True)])
def test_a_network_gets_in_after_a_spray(*, people: int, fires: bool) -> None:
    fail_as([person() for _ in range(people)], each=1)
    make_events(
        "accounts.signed_in", [NOW], actor_pseudonym=person(), network_hash=HOME
    )
    make_events(
        "accounts.signed_in", [NOW], actor_pseudonym=person(), network_hash=AWAY
    )

    keys = [one.group_hash for one in found(rule("sign_in_after_spray"))]

    assert keys == [HOME] * fires


@pytest.mark.parametrize(
    ("records", "after", "fires"),
    [(200, HOUR, True), (199, HOUR, False), (200, 25 * HOUR, False)],
)
def test_a_role_and_then_many_records(
    *, records: int, after: timedelta, fires: bool
) -> None:
    who = person()
    make_events(
        "rbac.role_assigned",
        [NOW - after],
        actor_pseudonym=person(),
        subject_pseudonym=who,
    )
    reads = every(SECOND, count=2, until=NOW)
    make_events(
        events.DATA_ACCESS, reads[:1], actor_pseudonym=who, result_count=records - 100
    )
    make_events(events.DATA_ACCESS, reads[1:], actor_pseudonym=who, result_count=100)

    keys = [one.actor_pseudonym for one in found(rule("privilege_then_records"))]

    assert keys == [who] * fires


@pytest.mark.parametrize(
    ("name", "event", "count", "column"),
    [
        ("token_used_twice_sign_in", "accounts.token_reuse", 1, "subject"),
        ("blocked_messages", "chat.message_blocked", 4, "actor"),
        ("blocked_message", "chat.message_blocked", 1, "actor"),
        (
            "second_factor_guessing_sign_in",
            "accounts.step_up_failed",
            10,
            "subject",
        ),
        ("failed_sign_ins_in_24_hours", "accounts.sign_in_failed", 20, "subject"),
        ("failed_sign_ins_in_5_minutes", "accounts.sign_in_failed", 5, "subject"),
        ("lockout_storm_sign_in", events.SECURITY_ALERT, 3, "subject"),
        ("refused_api_keys_sign_in", "accounts.api_key_refused", 6, "subject"),
        ("privilege_break_glass", "rbac.break_glass_activated", 1, "actor"),
        ("audit_rule_switched_off", events.RULE_DISABLED, 1, "actor"),
        ("audit_exceptions", events.EXCEPTION_MADE, 4, "actor"),
        ("audit_export", events.EXPORT_STARTED, 4, "actor"),
        ("audit_export", events.EVIDENCE_EXPORTED, 4, "actor"),
    ],
)
def test_counts_fire_at_their_limit_and_not_before(
    name: str, event: EventType | str, count: int, column: str
) -> None:
    calm, loud = person(), person()
    for who, times in ((calm, count - 1), (loud, count)):
        make_events(
            event,
            every(SECOND, count=times, until=NOW),
            **{f"{column}_pseudonym": who},
        )

    keys = [one.actor_pseudonym for one in found(rule(name))]

    assert keys == [loud]


@pytest.mark.parametrize(("count", "fires"), [(3, False), (4, True)])
def test_many_permissions_refused(*, count: int, fires: bool) -> None:
    who = person()
    for number in range(count):
        make_events(
            events.AUTHORIZATION_DENIED,
            [NOW - number * HOUR],
            actor_pseudonym=who,
            resource_type="rbac.permission",
            resource_id=f"read_{number}",
        )

    assert bool(found(rule("denials_of_many_permissions"))) is fires


def test_what_the_system_does_never_counts() -> None:
    make_events(
        events.SECURITY_ALERT,
        every(SECOND, count=50, until=NOW),
        subject_pseudonym=person(),
        actor_kind="system",
    )

    assert found(rule("lockout_storm_sign_in")) == []


def test_an_ordered_episode_ends_with_the_second_thing() -> None:
    who, success = person(), NOW - 10 * MINUTE
    for until in (success - MINUTE, NOW):
        make_events(
            "accounts.sign_in_failed",
            every(SECOND, count=5, until=until),
            subject_pseudonym=who,
            actor_kind="anonymous",
        )
    make_events("accounts.signed_in", [success], actor_pseudonym=who)

    (one,) = found(rule("sign_in_after_failures"))

    assert one.last_at == success

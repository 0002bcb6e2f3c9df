"""Each kind of rule: fires at its limit, not one below, within its window exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from auditlog import events
from auditlog.constants import SCAN_SLACK
from auditlog.models import ActorBaseline, ActorHour, DetectionRule
from auditlog.registry import EventType
from auditlog.rules import Finding, RuleSpec, Span
from auditlog.services.detection.evaluation import evaluate
from auditlog.tests.detection.factories import DAY, HOUR, every, make_events, person

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOME, AWAY = b"h" * 16, b"a" * 16


def rule(name: str, **parameters: object) -> RuleSpec:
    """Return the seeded rule, some of its parameters changed."""
    spec = DetectionRule.objects.get(name=name).spec
    return replace(spec, parameters={**spec.parameters, **parameters})  # type: ignore[dict-item]  # as in the database


def found(spec: RuleSpec, *, now: datetime = NOW) -> list[Finding]:
    """Return what a scan a minute after the last one finds."""
    return evaluate(spec, Span(now - SCAN_SLACK - MINUTE, now))


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


@pytest.mark.parametrize(
    ("hours_here", "hours_else", "fires"),
    [(0, 40, True), (0, 20, False), (10, 40, False)],
)
def test_off_hours_are_those_without_custom(
    *, hours_here: int, hours_else: int, fires: bool
) -> None:
    who = person()
    friday_night = NOW.replace(hour=23, minute=30) - DAY * ((NOW.weekday() - 4) % 7 + 7)
    for hour_class, n in (("night", hours_here), ("work", hours_else)):
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
    make_events(
        events.CHATBOT_QUERY,
        every(MINUTE, count=5, until=friday_night),
        actor_pseudonym=who,
    )

    assert bool(found(rule("off_hours"), now=friday_night)) is fires


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

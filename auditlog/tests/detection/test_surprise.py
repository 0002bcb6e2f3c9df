"""Days that are unlike a person's own past: counted, judged, ranked, told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import log, log2
from uuid import UUID

import pytest
from django.utils import timezone

from auditlog import events, habit_data
from auditlog.models import ActorDay, ActorSurprise, DetectionRule, SurpriseScale
from auditlog.rules import RuleSpec, Span, find_problems
from auditlog.rules.statements import Exempt
from auditlog.services import detection
from auditlog.services.detection import surprise
from auditlog.services.detection.activity import forget_activity
from auditlog.services.detection.evaluation import NOBODY, evaluate
from auditlog.tests.detection.factories import (
    DAY,
    HOUR,
    every,
    make_events,
    make_habits,
    person,
    pseudonym_of,
)
from auditlog.tests.factories import destroy_key, make_actor

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
# A day that is old enough for all that is judged to lie in the past.
TODAY = datetime.now(UTC).date() - DAY
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
NIGHT = NOON.replace(hour=2)
# The days that are compared with: those of this week are left out.
PAST = [TODAY - DAY * age for age in range(8, 29)]
THIS_WEEK = [TODAY - DAY * age for age in range(1, 8)]


def live(
    who: UUID,
    days: Iterable[date] = (*PAST, *THIS_WEEK),
    *,
    reads: dict[str, int] | None = None,
    hour: int = 12,
    is_program: bool = False,
) -> UUID:
    """Leave days on which somebody worked at this hour and read the same as ever."""
    rows = [
        ActorDay(
            actor_pseudonym=who,
            day=day,
            aspect=aspect,
            value=value,
            n=n,
            is_program=is_program,
            last_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        )
        for day in days
        for aspect, value, n in [
            ("hours", str(hour), 6),
            ("acts", "chatbot_query", 6),
            ("acts", "data_access", 6),
            *(("reads", f"sales/{name}", n) for name, n in (reads or USUAL).items()),
        ]
    ]
    ActorDay.objects.bulk_create(rows)
    return who


USUAL = {"summary": 4, "trend": 2}


def read(who: UUID, name: str, count: int, *, at: datetime = NOON) -> None:
    make_events(
        events.DATA_ACCESS,
        every(MINUTE, count=count, until=at),
        actor_pseudonym=who,
        resource_type="sales",
        resource_id=name,
    )


def ask(who: UUID, count: int = 6, *, at: datetime = NOON) -> None:
    make_events(
        events.CHATBOT_QUERY, every(MINUTE, count=count, until=at), actor_pseudonym=who
    )


def refuse(who: UUID, permission: str, *, at: datetime = NOON) -> None:
    make_events(
        events.AUTHORIZATION_DENIED,
        [at],
        actor_pseudonym=who,
        resource_type="rbac.permission",
        resource_id=permission,
        outcome="denied",
    )


def judged(who: UUID, days: int = 1) -> ActorSurprise:
    surprise.count_days(now=NOON + HOUR)
    return ActorSurprise.objects.get(actor_pseudonym=who, day=TODAY, days=days)


class TestCounting:
    def test_how_often_somebody_signs_in_is_not_counted(self) -> None:
        who = person()
        moments = every(MINUTE, count=30, until=NOON)
        make_events("accounts.signed_in", moments, actor_pseudonym=who)
        ask(who, 2)

        surprise.count_days(now=NOON + HOUR)

        acts = ActorDay.objects.filter(actor_pseudonym=who, aspect="acts")
        assert [(row.value, row.n) for row in acts] == [("chatbot_query", 2)]

    def test_a_day_is_what_was_read_refused_and_when(self) -> None:
        who = person()
        read(who, "summary", 3)
        ask(who, 2, at=NIGHT)
        refuse(who, "read_salaries")
        make_events("chat.message_blocked", [NOON], actor_pseudonym=who)
        make_events(
            "rbac.role_assigned",
            [NOON],
            actor_pseudonym=person(),
            subject_pseudonym=who,
            resource_id="finance",
        )

        for _ in range(2):
            surprise.count_days(now=NOON + HOUR)

        rows = ActorDay.objects.filter(actor_pseudonym=who, day=TODAY)
        assert {(row.aspect, row.value, row.n) for row in rows} == {
            ("reads", "sales/summary", 3),
            ("hours", "2", 1),
            ("hours", "1", 1),
            ("refusals", "read_salaries", 1),
            ("refusals", "chat.message_blocked", 1),
            ("given", "finance", 1),
            ("acts", "data_access", 3),
            ("acts", "chatbot_query", 2),
        }

    def test_days_and_hours_are_those_of_the_organisation(self, settings) -> None:
        settings.CHATSEC_TIME_ZONE = "America/New_York"
        who = person()
        ask(who, 1, at=NIGHT)

        surprise.count_days(now=NOON)

        row = ActorDay.objects.get(actor_pseudonym=who, aspect="hours")
        assert row.day == TODAY - DAY
        assert row.value in ("21", "22")

    def test_what_came_late_is_counted(self) -> None:
        who = person()
        read(who, "summary", 1)
        surprise.count_days(now=NOON)
        read(who, "summary", 2, at=NOON - 3 * HOUR)

        surprise.count_days(now=NOON + HOUR)

        assert ActorDay.objects.get(actor_pseudonym=who, aspect="reads").n == 3


class TestJudging:
    def test_a_day_like_the_others_is_no_surprise(self) -> None:
        who = live(person())
        for name, count in USUAL.items():
            read(who, name, count)
        ask(who)

        row = judged(who)

        assert row.refusals == 0
        assert row.hours < 6
        assert row.reads < 0.5

    @pytest.mark.parametrize("aspect", ["reads", "refusals", "hours", "acts"])
    def test_what_was_never_done_is_a_surprise_of_its_own(self, aspect: str) -> None:
        usual, other = live(person()), live(person())
        for who in (usual, other):
            read(who, "summary", 4)
            ask(who)
        if aspect == "reads":
            read(other, "salaries", 4)
        elif aspect == "refusals":
            refuse(other, "read_salaries")
        elif aspect == "hours":
            ask(other, at=NIGHT)
        else:
            make_events(events.EXPORT_STARTED, [NOON], actor_pseudonym=other)

        calm, row = judged(usual), judged(other)

        for name in ("reads", "refusals", "hours", "acts"):
            more = getattr(row, name) > getattr(calm, name) + 3
            assert more is (name == aspect), name

    def test_what_colleagues_do_is_less_of_a_surprise(self) -> None:
        alone, among = person(), person()
        live(alone)
        refuse(alone, "read_rarely")
        live(among)
        refuse(among, "read_often")
        for _ in range(5):
            colleague = live(person())
            for day in PAST:
                at = NOON - (TODAY - day)
                ActorDay.objects.create(
                    actor_pseudonym=colleague,
                    day=day,
                    aspect="refusals",
                    value="read_often",
                    n=1,
                    last_at=at,
                )

        assert judged(alone).refusals > judged(among).refusals + 1

    def test_a_little_on_each_day_adds_up_over_seven(self) -> None:
        who = live(person(), PAST)
        for age in range(6):
            refuse(who, "read_salaries", at=NOON - age * DAY)
            ask(who, at=NOON - age * DAY)

        one, three, seven = (judged(who, days).refusals for days in (1, 3, 7))

        assert one < three < seven

    def test_the_newest_week_is_not_what_is_usual(self) -> None:
        slow, calm = live(person(), PAST), live(person())
        live(slow, THIS_WEEK, reads={"salaries": 6})
        for who in (slow, calm):
            read(who, "salaries", 6)

        assert judged(slow).reads == pytest.approx(judged(calm).reads)

    @pytest.mark.parametrize(("days", "is_judged"), [(4, False), (5, True)])
    def test_of_whom_little_is_known_nothing_is_said(
        self, *, days: int, is_judged: bool
    ) -> None:
        who = live(person(), PAST[:days])
        read(who, "salaries", 9)

        surprise.count_days(now=NOON)

        assert ActorSurprise.objects.filter(actor_pseudonym=who).exists() is is_judged

    def test_who_was_given_a_role_reads_what_its_holders_read(self) -> None:
        given, other = live(person()), live(person())
        for _ in range(3):
            live(person(), reads={"salaries": 5})
        make_events(
            "rbac.role_assigned",
            [NOON - 3 * DAY],
            actor_pseudonym=person(),
            subject_pseudonym=given,
            resource_id="finance",
        )
        # What is long counted is not counted again.
        ActorDay.objects.filter(day__gte=TODAY - 3 * DAY).delete()
        for who in (given, other):
            read(who, "salaries", 5)

        assert judged(given).reads < 1
        assert judged(other).reads > 5

    def test_programs_are_compared_with_programs(self) -> None:
        # Each counts as little of its own.
        people = [live(person(), PAST[:5]) for _ in range(2)]
        program = live(person(), PAST[:5], reads={"export": 400}, is_program=True)
        live(person(), PAST, reads={"export": 400}, is_program=True)
        read(people[0], "export", 5)
        make_events(
            events.DATA_ACCESS,
            every(MINUTE, count=5, until=NOON),
            actor_pseudonym=program,
            actor_kind="service",
            resource_type="sales",
            resource_id="export",
        )

        assert judged(people[0]).reads > 10
        assert judged(program).reads < 0.01


def scale(aspect: str = "reads", days: int = 1) -> None:
    SurpriseScale.objects.create(
        aspect=aspect, days=days, exceeded=10, excess=2, n=100, updated_at=NOON
    )


def surprising(bits: float, **columns: object) -> UUID:
    """Leave a day whose reads have this rank on the scale."""
    who = person()
    x = 10 + 2 * log(2) * (bits - log2(50))
    values = {"day": TODAY, "days": 1, "reads": x, "last_at": NOON, **columns}
    ActorSurprise.objects.create(actor_pseudonym=who, **values)
    return who


def rule(**told: object) -> RuleSpec:
    spec = DetectionRule.objects.get(name="unlike_oneself").spec
    own = {"of": ["reads"], "days": [1], "bits": 9, **told}
    return replace(spec, parameters=own)  # type: ignore[arg-type]  # as in the database


def found(spec: RuleSpec, exempt: Exempt = NOBODY) -> set[UUID | None]:
    rows = evaluate(spec, Span(NOON - MINUTE, NOON + HOUR), exempt)
    return {row.actor_pseudonym for row in rows}


class TestRule:
    @pytest.mark.parametrize(("bits", "fires"), [(8.99, False), (9.01, True)])
    def test_it_fires_at_its_rank_and_not_below(
        self, *, bits: float, fires: bool
    ) -> None:
        scale()
        who = surprising(bits)

        assert found(rule()) == ({who} if fires else set())

    def test_it_tells_in_what_and_since_when(self) -> None:
        scale()
        scale(days=3)
        who = surprising(9.5)
        ActorSurprise.objects.create(
            actor_pseudonym=who, day=TODAY, days=3, reads=40, last_at=NOON
        )

        (one,) = evaluate(rule(days=[1, 3]), Span(NOON - MINUTE, NOON))

        assert one.facts == {"bits": 27.3, "of": "reads", "days": 3}
        assert (one.count, one.last_at) == (27, NOON)
        assert one.first_at == NOON.replace(hour=0) - 2 * DAY

    def test_only_what_it_was_told_counts(self) -> None:
        scale()
        scale("hours")
        surprising(12)

        assert found(rule(of=["hours"])) == set()
        assert found(rule(days=[3, 7])) == set()

    def test_what_was_told_hours_ago_is_not_told_again(self) -> None:
        scale()
        who = surprising(12, last_at=NOON - 2 * HOUR - MINUTE)
        surprising(12, last_at=NOON - 2 * HOUR - 2 * MINUTE)

        assert found(rule()) == {who}

    def test_exempt_people_and_kinds_are_left_out(self) -> None:
        scale()
        human, program = surprising(12), surprising(12, is_program=True)

        assert found(rule(), Exempt(people=(human,))) == {program}
        assert found(rule(), Exempt(kinds=("service",))) == {human}
        assert found(rule(), Exempt(kinds=("user",))) == {program}

    def test_without_a_scale_nothing_is_found(self) -> None:
        surprising(50)

        assert found(rule()) == set()

    @pytest.mark.parametrize(
        ("told", "is_valid"),
        [
            ({"bits": 6}, True),
            ({"bits": 5.9}, False),
            ({"days": [2]}, False),
            ({"of": []}, False),
            ({"of": ["given"]}, False),
        ],
    )
    def test_its_parameters_are_held_to_what_is_kept(
        self, *, told: dict[str, object], is_valid: bool
    ) -> None:
        assert (find_problems(rule(**told)) == {}) is is_valid

    def test_an_alert_comes_from_events_alone(self) -> None:
        thief = live(person())
        for _ in range(3):
            live(person())
        read(thief, "salaries", 40)

        detection.refresh_baselines(now=NOON + HOUR, at_once="now")
        opened = detection.run_rules(now=NOON + HOUR, rules=[rule()])

        assert [alert.actor_pseudonym for alert in opened] == [thief]

    def test_what_is_counted_after_a_long_stop_is_found(self) -> None:
        thief = live(person())
        for _ in range(3):
            live(person())
        detection.refresh_baselines(now=NOON - 2 * HOUR, at_once="now")
        detection.run_rules(now=NOON - 2 * HOUR, rules=[rule()])
        read(thief, "salaries", 40)

        # The rules had their turn before the days.
        first = detection.run_rules(now=NOON + 8 * HOUR, rules=[rule()])
        detection.refresh_baselines(now=NOON + 8 * HOUR)
        later = NOON + 8 * HOUR + MINUTE
        opened = detection.run_rules(now=later, rules=[rule()])

        assert first == []
        assert [alert.actor_pseudonym for alert in opened] == [thief]
        assert detection.run_rules(now=later + MINUTE, rules=[rule()]) == []


class TestScale:
    def test_it_is_the_shipped_one_at_first(self) -> None:
        surprise.measure(now=NOON)

        row = SurpriseScale.objects.get(aspect="hours", days=7)
        assert (row.exceeded, row.excess, row.n) == (*surprise.SHIPPED["hours", 7], 0)
        assert SurpriseScale.objects.count() == len(surprise.SHIPPED)

    def test_it_becomes_the_installations_own(self) -> None:
        days = [TODAY - DAY * age for age in range(1, 21)]
        ActorSurprise.objects.bulk_create(
            ActorSurprise(
                actor_pseudonym=person(), day=day, days=1, reads=n / 50, last_at=NOON
            )
            for day in days
            for n in range(100)
        )
        shipped = surprise.SHIPPED["reads", 1]

        surprise.measure(now=NOON)

        row = SurpriseScale.objects.get(aspect="reads", days=1)
        assert row.n == 2000
        assert row.exceeded == pytest.approx(0.8 * 1.96 + 0.2 * shipped.exceeded, 0.01)
        assert row.excess < shipped.excess

    def test_an_attack_is_no_measure_of_the_others(self) -> None:
        surprise.measure(now=NOON)
        before = SurpriseScale.objects.get(aspect="reads", days=1)
        for _ in range(20):
            surprising(0, day=TODAY - DAY, reads=60)

        surprise.measure(now=NOON)

        after = SurpriseScale.objects.get(aspect="reads", days=1)
        assert (after.exceeded, after.excess) == (before.exceeded, before.excess)

    def test_old_days_go(self) -> None:
        live(person(), [TODAY - 35 * DAY, TODAY - 36 * DAY])
        surprising(1, day=TODAY - 36 * DAY)

        surprise.measure(now=NOON)

        assert {row.day for row in ActorDay.objects.all()} == {TODAY - 35 * DAY}
        assert not ActorSurprise.objects.exists()


class TestErasure:
    def test_the_erased_have_no_days(self) -> None:
        actor = make_actor()
        assert actor.id is not None
        make_habits(actor.id)
        for erase in (habit_data.erase_days, habit_data.erase_surprise):
            assert erase(actor.id) == 1

        live(pseudonym_of(actor), PAST)
        read(pseudonym_of(actor), "summary", 1, at=timezone.now())
        destroy_key(actor.id)
        detection.refresh_baselines(now=timezone.now(), at_once="now")

        assert not ActorDay.objects.exists()
        assert not ActorSurprise.objects.exists()

    def test_activity_is_forgotten_with_the_rest(self) -> None:
        actor = make_actor()
        assert actor.id is not None

        assert forget_activity(make_habits(actor.id)) == 6

    def test_people_are_told_of_days_that_are_over(self) -> None:
        actor = make_actor()
        assert actor.id is not None
        make_habits(actor.id)
        now = timezone.now()
        ActorSurprise.objects.create(
            actor_pseudonym=pseudonym_of(actor), day=now.date(), days=3, last_at=now
        )

        (day,) = habit_data.export_days(actor.id)
        (surprised,) = habit_data.export_surprise(actor.id)

        assert (day["value"], day["count"]) == ("sales/summary", 2)
        assert surprised["days"] == 1

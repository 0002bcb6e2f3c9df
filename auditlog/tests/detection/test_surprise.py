"""Days that are unlike a person's own past: counted, judged, forgotten."""

from __future__ import annotations

import pytest
from django.utils import timezone

from auditlog import events, habit_data
from auditlog.models import ActorDay, ActorSurprise
from auditlog.services import detection
from auditlog.services.detection import surprise
from auditlog.services.detection.activity import forget_activity
from auditlog.tests.detection.days import (
    NIGHT,
    NOON,
    PAST,
    THIS_WEEK,
    TODAY,
    USUAL,
    ask,
    judged,
    live,
    read,
    refuse,
)
from auditlog.tests.detection.factories import (
    DAY,
    HOUR,
    MINUTE,
    every,
    make_events,
    make_habits,
    person,
    pseudonym_of,
)
from auditlog.tests.factories import destroy_key, make_actor

pytestmark = pytest.mark.django_db


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

"""What is far from a person's own past is told; the scale of it is measured."""

from __future__ import annotations

from dataclasses import replace
from math import log, log2
from uuid import UUID

import pytest

from auditlog.models import ActorDay, ActorSurprise, DetectionRule, SurpriseScale
from auditlog.rules import RuleSpec, Span, find_problems
from auditlog.rules.statements import Exempt
from auditlog.services import detection
from auditlog.services.detection import surprise
from auditlog.services.detection.evaluation import NOBODY, evaluate
from auditlog.tests.detection.days import NOON, TODAY, live, read
from auditlog.tests.detection.factories import DAY, HOUR, MINUTE, person

pytestmark = pytest.mark.django_db


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

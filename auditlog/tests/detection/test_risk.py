"""Weak signs add up to an alert, and fade."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditlog.models import Alert, RiskSignal
from auditlog.tests.detection.factories import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    make_events,
    person,
    rule_named,
    scan,
)

pytestmark = pytest.mark.django_db


class TestRisk:
    def sign(self, who, rule, weight, age=timedelta(0)) -> None:
        RiskSignal.objects.create(
            actor_pseudonym=who,
            rule=rule,
            weight=weight,
            first_at=NOW - age,
            last_at=NOW - age,
        )

    @pytest.mark.parametrize(("last", "fires"), [(30, True), (29, False)])
    def test_weak_signs_add_up(self, last, fires) -> None:
        who, other = person(), person()
        self.sign(who, "a", 45)
        self.sign(who, "b", last)
        self.sign(other, "a", 60)

        opened = scan(rule_named("risk").spec)

        assert [alert.actor_pseudonym for alert in opened] == [who] * fires
        if fires:
            assert opened[0].facts == {"a": 45, "b": 30}
            assert opened[0].count == 75

    def test_they_fade_within_a_day(self) -> None:
        who = person()
        self.sign(who, "a", 60, age=12 * HOUR)
        self.sign(who, "b", 44)
        assert scan(rule_named("risk").spec) == []

        RiskSignal.objects.filter(rule="b").update(weight=45)

        assert len(scan(rule_named("risk").spec, now=NOW + SECOND)) == 1

    def test_a_weak_rule_leaves_a_sign_and_no_alert(self) -> None:
        who = person()
        make_events(
            "chat.message_blocked", [NOW], actor_pseudonym=who, outcome="denied"
        )
        rule = rule_named("blocked_message").spec

        assert scan(rule) == []
        assert scan(rule, now=NOW + MINUTE) == []

        sign = RiskSignal.objects.get()
        assert (sign.actor_pseudonym, sign.weight) == (who, 20)

    def test_the_alert_grows_and_is_not_doubled(self) -> None:
        who = person()
        self.sign(who, "a", 80)
        rule = rule_named("risk").spec
        assert len(scan(rule)) == 1
        RiskSignal.objects.create(
            actor_pseudonym=who,
            rule="b",
            weight=15,
            first_at=NOW + MINUTE,
            last_at=NOW + MINUTE,
        )

        assert scan(rule, now=NOW + 2 * MINUTE) == []
        assert Alert.objects.get().facts == {"a": 80, "b": 15}

"""What a rule would have found: counted, bounded, and never written."""

from __future__ import annotations

import pytest
from django.db import InternalError

from auditlog.errors import TrialTooLong
from auditlog.models import Alert, DetectionRule, RuleRun
from auditlog.rules import Finding, Span
from auditlog.rules.floor import DENIALS_IN_5_MINUTES
from auditlog.services import detection
from auditlog.services.detection.evaluation import evaluate
from auditlog.tests.detection.factories import DAY, NOW, SECOND, deny, person

pytestmark = pytest.mark.django_db


class TestDryRun:
    def test_one_burst_is_one_episode_from_its_first_event_on(self) -> None:
        deny(person(), count=9)

        (one,) = evaluate(DENIALS_IN_5_MINUTES, Span(NOW - DAY, NOW))

        assert (one.count, one.facts) == (9, {"peak": 9, "limit": 3.0})
        assert (one.first_at, one.last_at) == (NOW - 8 * SECOND, NOW)

    def test_it_writes_nothing_and_counts_by_day(self) -> None:
        who = person()
        deny(who, until=NOW)
        deny(who, until=NOW - 2 * DAY)
        deny(person(), until=NOW - 2 * DAY, count=3)

        run = detection.dry_run(DENIALS_IN_5_MINUTES, since=NOW - 7 * DAY, until=NOW)

        assert [one.actor_pseudonym for one in run.findings] == [who, who]
        assert sum(run.per_day.values()) == 2
        assert run.per_day[(NOW - 2 * DAY).date()] == 1
        assert len(run.per_day) == 8
        assert Alert.objects.count() == RuleRun.objects.count() == 0

    def test_the_database_lets_it_write_nothing(self, monkeypatch) -> None:
        def writing(*_args: object) -> list[Finding]:
            RuleRun.objects.create(rule="x")
            return []

        monkeypatch.setattr("auditlog.services.detection.trying.evaluate", writing)
        with pytest.raises(InternalError, match="read-only"):
            detection.dry_run(DENIALS_IN_5_MINUTES, since=NOW - DAY, until=NOW)

    def test_it_can_be_asked_of_every_rule(self) -> None:
        for rule in DetectionRule.objects.all():
            run = detection.dry_run(rule.spec, since=NOW - 3 * DAY, until=NOW)
            assert run.findings == ()

    @pytest.mark.parametrize("days", [0, -1, 91])
    def test_it_is_over_a_bounded_past(self, days) -> None:
        with pytest.raises(TrialTooLong):
            detection.dry_run(DENIALS_IN_5_MINUTES, since=NOW - days * DAY, until=NOW)

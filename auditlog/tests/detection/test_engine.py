"""The scan as a whole: late, twice, with exceptions, with a rule that fails."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from django.db import IntegrityError, InternalError, connection, transaction
from django.utils import timezone

from auditlog import events, habit_data
from auditlog.constants import FAILURES_TO_ALERT
from auditlog.errors import RuleExists, RuleRefused, TrialTooLong
from auditlog.models import (
    ActorBaseline,
    ActorHour,
    Alert,
    DetectionRule,
    Event,
    Incident,
    RiskSignal,
    RuleException,
    RuleRun,
)
from auditlog.rules import FLOOR, Finding, RuleSpec, Span
from auditlog.rules.floor import DENIALS_IN_5_MINUTES
from auditlog.services import detection
from auditlog.services.detection.changing import COLUMNS, RuleTerms
from auditlog.services.detection.engine import effective_rules
from auditlog.services.detection.evaluation import evaluate, exemptions
from auditlog.services.detection.exempting import Exempted
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
from chatsec.core import context
from chatsec.core.context import ANONYMOUS, SYSTEM, Actor, RequestContext
from chatsec.core.errors import Conflict, Denied, NotFound

pytestmark = pytest.mark.django_db


def acting(actor: Actor) -> AbstractContextManager[RequestContext]:
    """Let the actor be who acts."""
    return context.bound(RequestContext(actor=actor))


NOW = timezone.now()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def deny(who, count=4, until=NOW) -> None:
    make_events(
        events.AUTHORIZATION_DENIED,
        every(SECOND, count=count, until=until),
        actor_pseudonym=who,
        outcome="denied",
    )


def scan(*rules: RuleSpec, now=NOW) -> list[Alert]:
    return detection.run_rules(now=now, rules=rules or None)


def terms_of(rule: DetectionRule, **changes: object) -> RuleTerms:
    return RuleTerms(**{c: getattr(rule, c) for c in COLUMNS} | changes)


def rule_named(name: str) -> DetectionRule:
    return DetectionRule.objects.get(name=name)


def test_a_scanner_that_was_away_for_hours_finds_what_it_missed() -> None:
    who = person()
    scan(DENIALS_IN_5_MINUTES, now=NOW - 7 * HOUR)
    deny(who, until=NOW - 5 * HOUR)

    (alert,) = scan(DENIALS_IN_5_MINUTES)

    assert (alert.actor_pseudonym, alert.count) == (who, 4)
    assert alert.last_at == NOW - 5 * HOUR


def test_two_episodes_in_one_late_scan_are_two_alerts() -> None:
    who = person()
    scan(DENIALS_IN_5_MINUTES, now=NOW - 7 * HOUR)
    deny(who, until=NOW - 5 * HOUR)
    deny(who, until=NOW - 2 * HOUR)

    assert len(scan(DENIALS_IN_5_MINUTES)) == 2


def test_an_event_that_is_committed_late_is_seen() -> None:
    who = person()
    deny(who, count=3, until=NOW - 10 * MINUTE)
    assert scan(DENIALS_IN_5_MINUTES, now=NOW - MINUTE) == []

    deny(who, count=1, until=NOW - 10 * MINUTE + SECOND)

    assert len(scan(DENIALS_IN_5_MINUTES)) == 1


def test_a_clock_that_goes_back_loses_nothing() -> None:
    scan(DENIALS_IN_5_MINUTES, now=NOW + HOUR)
    deny(person())

    assert len(scan(DENIALS_IN_5_MINUTES)) == 1


def test_a_run_of_everything_says_how_far_it_came() -> None:
    scan()

    runs = {run.rule: run for run in RuleRun.objects.all()}
    assert set(runs) == {rule.name for rule in effective_rules()} | {"known places"}
    assert {run.scanned_until for run in runs.values()} == {NOW}
    assert {run.last_error for run in runs.values()} == {""}


def test_what_is_counted_by_the_hour_is_asked_once_an_hour() -> None:
    rule, hour = rule_named("queries_rising_slowly").spec, NOW.replace(minute=0)

    ends = []
    for minutes in (0, 1, 59, 60):
        now = hour + minutes * MINUTE
        scan(rule, now=now)
        ends.append(RuleRun.objects.get(rule=rule.name).scanned_until)

    assert ends == [hour, hour, hour, hour + HOUR]


def test_alerts_cause_no_alerts() -> None:
    rule = replace(
        DENIALS_IN_5_MINUTES,
        name="about_alerts",
        group="subject",
        parameters={"events": ["security_alert"], "more_than": 0},
    )
    actor = make_actor()
    deny(pseudonym_of(actor))

    for step in range(5):
        scan(DENIALS_IN_5_MINUTES, rule, now=NOW + step * MINUTE)

    assert Alert.objects.count() == 1
    assert Event.objects.filter(event_type="security_alert").count() == 1


BROKEN = replace(
    DENIALS_IN_5_MINUTES, name="broken", parameters={"events": ["authorization_denied"]}
)


def test_a_rule_that_fails_stops_no_other_and_is_on_record() -> None:
    deny(person())

    opened = scan(BROKEN, DENIALS_IN_5_MINUTES)

    assert [alert.rule for alert in opened] == ["denials_in_5_minutes"]
    run = RuleRun.objects.get(rule="broken")
    assert (run.failures, run.last_error, run.scanned_until) == (1, "KeyError", None)
    assert Event.objects.filter(event_type="auditlog.rule_failed").count() == 1


def test_a_rule_that_keeps_failing_raises_an_alert_once_and_may_recover() -> None:
    for _ in range(FAILURES_TO_ALERT + 2):
        scan(BROKEN)

    (alert,) = Alert.objects.all()
    assert (alert.rule, alert.facts) == ("rule_failing", {"rule": "broken"})
    assert alert.incident is not None
    scan(replace(DENIALS_IN_5_MINUTES, name="broken"))
    assert RuleRun.objects.get(rule="broken").failures == 0


def test_a_network_alert_has_an_incident_of_its_own() -> None:
    for _ in range(16):
        make_events(
            "accounts.sign_in_failed",
            every(SECOND, count=2, until=NOW),
            subject_pseudonym=person(),
            network_hash=b"n" * 16,
            actor_kind="anonymous",
        )

    opened = scan(rule_named("credential_stuffing_sign_in").spec)

    assert [bytes(alert.group_hash) for alert in opened] == [b"n" * 16]  # type: ignore[arg-type]
    assert Incident.objects.get().severity == "critical"


class TestFloor:
    def test_it_runs_even_where_its_row_is_gone_or_loosened(self) -> None:
        DetectionRule.objects.filter(name="denials_in_1_hour").delete()
        DetectionRule.objects.filter(name="denials_in_5_minutes").update(
            parameters={"events": ["authorization_denied"], "more_than": 99}
        )

        specs = {spec.name: spec for spec in effective_rules()}

        assert specs["denials_in_1_hour"] == FLOOR["denials_in_1_hour"]
        assert specs["denials_in_5_minutes"] == FLOOR["denials_in_5_minutes"]

    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("is_enabled", {"is_enabled": False}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": 3}}),
            (
                "parameters",
                {"parameters": {"events": ["authorization_denied"], "more_than": 4}},
            ),
            (
                "parameters",
                {
                    "parameters": {
                        "events": ["authorization_denied"],
                        "more_than": 3,
                        "outcome": "error",
                    }
                },
            ),
            ("window_seconds", {"window_seconds": 299}),
            ("group", {"group": "subject"}),
            ("risk", {"risk": 1}),
            ("severity", {"severity": "warning"}),
        ],
    )
    def test_it_cannot_be_loosened(self, field, changes) -> None:
        rule = rule_named("denials_in_5_minutes")

        with pytest.raises(RuleRefused) as refused:
            detection.change_rule(rule.id, terms_of(rule, **changes))

        assert field in refused.value.fields

    def test_it_can_be_made_stricter_and_is_then_used(self) -> None:
        rule = rule_named("denials_in_5_minutes")
        stricter = {"events": ["authorization_denied"], "more_than": 2}
        detection.change_rule(rule.id, terms_of(rule, parameters=stricter))
        deny(person(), count=3)

        assert [alert.rule for alert in scan()] == ["denials_in_5_minutes"]

    def test_it_cannot_be_deleted(self) -> None:
        with pytest.raises(RuleRefused):
            detection.delete_rule(rule_named("denials_in_1_hour").id)


class TestChanging:
    def test_a_change_is_numbered_and_on_record(self) -> None:
        rule = rule_named("blocked_messages")

        changed = detection.change_rule(rule.id, terms_of(rule, title="Blocked"))
        detection.change_rule(rule.id, terms_of(changed))
        detection.change_rule(rule.id, terms_of(changed, is_enabled=False))

        rule.refresh_from_db()
        assert (rule.version, rule.title, rule.is_enabled) == (3, "Blocked", False)
        assert list(
            Event.objects.filter(event_type__startswith="auditlog.rule_")
            .order_by("event_id")
            .values_list("event_type", flat=True)
        ) == ["auditlog.rule_changed", "auditlog.rule_disabled"]

    def test_without_evidence_nothing_changes(self, monkeypatch) -> None:
        rule = rule_named("blocked_messages")

        def broken(*_args: object, **_kwargs: object) -> None:
            raise OSError

        monkeypatch.setattr("auditlog.services.detection.changing.record", broken)
        with pytest.raises(OSError):  # noqa: PT011 - any text
            detection.change_rule(rule.id, terms_of(rule, is_enabled=False))

        rule.refresh_from_db()
        assert rule.is_enabled

    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("parameters", {"parameters": {}}),
            ("parameters", {"parameters": {"events": [], "more_than": 1}}),
            ("parameters", {"parameters": {"events": ["x"], "more_than": 1}}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": -1}}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": "1"}}),
            ("parameters", {"parameters": {"events": ["error"], "more_than": 3.0}}),
            (
                "parameters",
                {"parameters": {"events": ["error"], "more_than": 1, "extra": 1}},
            ),
            ("group", {"group": "everyone", "risk": 10}),
            ("window_seconds", {"window_seconds": 91 * 86400}),
            ("window_seconds", {"window_seconds": 0}),
        ],
    )
    def test_what_cannot_run_is_refused_beside_its_field(self, field, changes) -> None:
        rule = rule_named("blocked_messages")

        with pytest.raises(RuleRefused) as refused:
            detection.change_rule(rule.id, terms_of(rule, **changes))

        assert field in refused.value.fields

    @pytest.mark.parametrize("group", ["actor", "everyone"])
    def test_people_are_not_compared_with_networks(self, group) -> None:
        rule = rule_named("sign_in_after_spray")

        with pytest.raises(RuleRefused) as refused:
            detection.change_rule(rule.id, terms_of(rule, group=group))

        assert set(refused.value.fields) == {"group"}

    def test_a_name_is_given_once(self) -> None:
        rule = rule_named("blocked_messages")

        detection.create_rule("own", terms_of(rule))
        with pytest.raises(RuleExists):
            detection.create_rule("own", terms_of(rule))

        detection.delete_rule(rule_named("own").id)
        assert not DetectionRule.objects.filter(name="own").exists()


class TestExceptions:
    def ask(self, whom: Exempted, *, days: int = 30, name="denials_in_5_minutes"):
        return detection.make_exception(
            rule_named(name).id,
            whom,
            reason="A load test",
            expires_at=timezone.now() + days * DAY,
        )

    def make(self, whom: Exempted, *, days: int = 30, name="denials_in_5_minutes"):
        made = self.ask(whom, days=days, name=name)
        if name in FLOOR:
            with acting(make_actor()):
                return detection.approve_exception(made.id)
        return made

    def test_from_the_floor_it_takes_effect_when_a_second_person_approves(self) -> None:
        who, now = person(), timezone.now()
        with acting(make_actor()):
            made = self.ask(Exempted(actor_pseudonym=who))
        deny(who, until=now)
        later = now + timedelta(minutes=10)
        assert len(scan(DENIALS_IN_5_MINUTES, now=now + SECOND)) == 1

        approver = make_actor()
        with acting(approver):
            detection.approve_exception(made.id)

        deny(who, until=later)
        assert scan(DENIALS_IN_5_MINUTES, now=later) == []
        approved = Event.objects.get(event_type="auditlog.exception_approved")
        assert approved.actor_pseudonym == pseudonym_of(approver)
        assert approved.subject_pseudonym == who

    def test_from_any_other_rule_it_takes_effect_at_once(self) -> None:
        made = self.ask(Exempted(network_hash=b"n" * 16), name="blocked_messages")

        assert exemptions(now=timezone.now())["blocked_messages"].networks
        with acting(make_actor()), pytest.raises(Conflict):
            detection.approve_exception(made.id)

    def test_nobody_approves_his_own_or_one_about_himself(self) -> None:
        asker, exempted = make_actor(), make_actor()
        with acting(asker):
            made = self.ask(Exempted(actor_pseudonym=pseudonym_of(exempted)))

        for refused in (asker, exempted, SYSTEM, ANONYMOUS):
            with acting(refused), pytest.raises(Denied):
                detection.approve_exception(made.id)

        made.refresh_from_db()
        assert made.approved_at is None
        assert "denials_in_5_minutes" not in exemptions(now=timezone.now())

    def test_it_is_approved_once_and_not_when_it_is_over(self) -> None:
        made = self.make(Exempted(network_hash=b"n" * 16))
        over = self.ask(Exempted(network_hash=b"m" * 16))
        RuleException.objects.filter(id=over.id).update(
            created_at=timezone.now() - 2 * DAY, expires_at=timezone.now() - DAY
        )

        for one in (made, over):
            with acting(make_actor()), pytest.raises(Conflict):
                detection.approve_exception(one.id)
        with acting(make_actor()), pytest.raises(NotFound):
            detection.approve_exception(person())

    def test_the_database_refuses_one_pair_of_eyes(self) -> None:
        with acting(make_actor()):
            made = self.ask(Exempted(network_hash=b"n" * 16))

        with pytest.raises(IntegrityError), transaction.atomic():
            RuleException.objects.filter(id=made.id).update(
                approved_at=timezone.now(), approved_by=made.created_by
            )

    @pytest.mark.django_db(transaction=True)
    def test_of_parallel_approvals_one_counts(self) -> None:
        with acting(make_actor()):
            made = self.ask(Exempted(network_hash=b"n" * 16))
        approvers = [make_actor() for _ in range(4)]
        results: list[object] = []

        def approve(actor: Actor) -> None:
            try:
                with context.bound(RequestContext(actor=actor)):
                    results.append(detection.approve_exception(made.id))
            except Conflict as refusal:
                results.append(refusal)
            finally:
                connection.close()

        threads = [Thread(target=approve, args=[each]) for each in approvers]
        for each in threads:
            each.start()
        for each in threads:
            each.join(timeout=60)

        assert sum(isinstance(one, RuleException) for one in results) == 1
        assert sum(isinstance(one, Conflict) for one in results) == 3

    def test_it_exempts_one_account_from_one_rule_until_it_ends(self) -> None:
        who, other = person(), person()
        made = self.make(Exempted(actor_pseudonym=who))
        now = timezone.now()
        deny(who, until=now, count=11)
        deny(other, until=now)

        opened = scan(*FLOOR.values(), now=now)

        assert {(alert.rule, alert.actor_pseudonym) for alert in opened} == {
            ("denials_in_5_minutes", other),
            ("denials_in_1_hour", who),
        }
        assert Event.objects.filter(event_type="auditlog.exception_made").count() == 1
        detection.end_exception(made.id)
        assert [
            a.actor_pseudonym for a in scan(DENIALS_IN_5_MINUTES, now=now + SECOND)
        ] == [who]

    def test_it_stops_counting_when_it_expires(self) -> None:
        who = person()
        self.make(Exempted(actor_pseudonym=who), days=1)
        past = timezone.now() + DAY
        deny(who, until=past)

        assert len(scan(DENIALS_IN_5_MINUTES, now=past + SECOND)) == 1

    def test_it_exempts_a_network_or_a_kind_of_account(self) -> None:
        make_events(
            "chat.message_blocked",
            every(SECOND, count=4, until=timezone.now()),
            actor_pseudonym=person(),
            actor_kind="service",
            network_hash=b"n" * 16,
        )
        blocked = rule_named("blocked_messages").spec
        now = timezone.now()
        made = self.make(Exempted(actor_kind="service"), name="blocked_messages")
        assert scan(blocked, now=now + SECOND) == []
        detection.end_exception(made.id)
        made = self.make(Exempted(network_hash=b"n" * 16), name="blocked_messages")
        assert scan(blocked, now=now + 2 * SECOND) == []
        detection.end_exception(made.id)

        assert len(scan(blocked, now=now + 3 * SECOND)) == 1

    @pytest.mark.parametrize(
        ("whom", "days", "reason"),
        [
            (Exempted(), 30, "why"),
            (Exempted(network_hash=b"n", actor_kind="service"), 30, "why"),
            (Exempted(actor_kind="service"), 30, "why"),
            (Exempted(network_hash=b"n"), 367, "why"),
            (Exempted(network_hash=b"n"), 0, "why"),
            (Exempted(network_hash=b"n"), 30, "  "),
        ],
    )
    def test_it_is_of_one_for_a_while_with_a_reason(self, whom, days, reason) -> None:
        with pytest.raises(RuleRefused):
            detection.make_exception(
                rule_named("denials_in_5_minutes").id,
                whom,
                reason=reason,
                expires_at=timezone.now() + days * DAY,
            )
        assert RuleException.objects.count() == 0

    def test_what_is_not_there_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            detection.end_exception(person())


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


class TestActivity:
    def test_hours_are_counted_once_however_often(self) -> None:
        actor = make_actor()
        who = pseudonym_of(actor)
        hour = NOW.replace(minute=0, second=0, microsecond=0) - HOUR
        make_events(
            events.CHATBOT_QUERY,
            every(MINUTE, count=5, until=hour + 10 * MINUTE),
            actor_pseudonym=who,
        )
        make_events(
            events.DATA_ACCESS,
            [hour, hour + MINUTE],
            actor_pseudonym=who,
            result_count=20,
            resource_type="sales",
            resource_id="q",
        )
        make_events(
            "accounts.sign_in_failed",
            [hour],
            subject_pseudonym=who,
            actor_kind="anonymous",
        )

        for _ in range(2):
            detection.roll_up_hours(now=NOW)

        row = ActorHour.objects.get(actor_pseudonym=who)
        assert row.hour == hour
        counts = (row.queries, row.records, row.resources, row.denials, row.failures)
        assert counts == (5, 40, 1, 0, 1)

    def test_baselines_are_medians_of_ones_own_days_and_of_everybodys(self) -> None:
        who = person()
        evening = NOW.replace(hour=20)
        noon = NOW.replace(hour=12, minute=0, second=0, microsecond=0)
        ActorHour.objects.bulk_create(
            ActorHour(
                actor_pseudonym=who, hour=noon - age * DAY, queries=9, records=age
            )
            for age in range(1, 28)
        )

        detection.refresh_baselines(now=evening)

        day = ActorBaseline.objects.get(
            actor_pseudonym=who, metric="queries", hour_class="day"
        )
        assert day.median == pytest.approx(2.302585)
        assert (day.mad, day.n) == (0, 21)
        everybody = ActorBaseline.objects.filter(actor_pseudonym=None)
        assert {row.hour_class for row in everybody} <= {"work", "weekend", "day"}
        assert detection.refresh_baselines(now=evening + HOUR) == 0
        assert detection.refresh_baselines(now=evening + DAY) > 0

    def test_the_erased_have_no_habits(self) -> None:
        actor = make_actor()
        assert actor.id is not None
        make_habits(actor.id)
        make_events(events.CHATBOT_QUERY, [NOW], actor_pseudonym=pseudonym_of(actor))

        for erase in (
            habit_data.erase_hours,
            habit_data.erase_baselines,
            habit_data.erase_signs,
        ):
            assert erase(actor.id) == 1
        destroy_key(actor.id)
        detection.refresh_baselines(now=NOW, at_once="now")

        assert not ActorHour.objects.exists()
        assert not ActorBaseline.objects.exists()


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

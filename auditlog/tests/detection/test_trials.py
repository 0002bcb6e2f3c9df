"""Trials are worked on part by part, by one at a time, and none is lost for ever."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.utils import timezone

from auditlog import events, tasks
from auditlog.models import DetectionRule, RuleTrial
from auditlog.rules import Finding
from auditlog.services import detection
from auditlog.services.detection import trials, trying
from auditlog.services.detection.trials import IN_TURNS, LEASE, Patience, open_trial
from auditlog.tests.detection.factories import every, make_events, pseudonym_of
from auditlog.tests.factories import make_actor
from chatsec.core.errors import Conflict

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def rule_of(kind: str) -> DetectionRule:
    return DetectionRule.objects.filter(kind=kind).order_by("name")[0]


def opened(owner, *, kind="dormant", days=7, now=None) -> RuleTrial:
    now = now or timezone.now()
    return open_trial(make_actor(owner), rule_of(kind), days=days, now=now)


def read_again(trial: RuleTrial) -> RuleTrial:
    return RuleTrial.objects.select_related("rule").get(pk=trial.pk)


class Interrupted:
    """Looks as usual, and fails after so many parts."""

    def __init__(self, *, after: int, error: BaseException) -> None:
        self.looked: list[object] = []
        self.after, self.error = after, error
        self.real = trying.look

    def __call__(self, rule, span, exempt, **how):
        if len(self.looked) == self.after:
            raise self.error
        self.looked.append(span)
        return self.real(rule, span, exempt, **how)


def test_it_finds_what_a_run_in_one_go_finds(admin) -> None:
    now = timezone.now()
    for ago in (0, 3):
        make_events(
            events.AUTHORIZATION_DENIED,
            every(timedelta(seconds=1), count=5, until=now - ago * DAY),
            actor_pseudonym=pseudonym_of(make_actor()),
        )
    rule = DetectionRule.objects.get(name="denials_in_5_minutes")
    trial = open_trial(make_actor(admin), rule, days=7, now=now)

    assert trials.work_on(trial.pk, IN_TURNS, now=now) == "done"

    in_one_go = detection.dry_run(rule.spec, since=trial.since, until=now)
    assert trials.result_of(read_again(trial)) == in_one_go
    assert len(in_one_go.findings) == 2


@pytest.mark.parametrize("kind", ["dormant", "drift"])
def test_a_turn_ends_between_parts_and_the_next_goes_on_there(
    admin, monkeypatch, kind
) -> None:
    trial = opened(admin, kind=kind)
    looked: list[object] = []

    def slow(rule, span, exempt, **_how):
        looked.append(span)
        return []

    monkeypatch.setattr(trying, "look", slow)
    turns = [trials.work_on(trial.pk, Patience(0), now=timezone.now())]
    assert looked == []

    monkeypatch.setattr("time.monotonic", iter(range(1000)).__next__)
    while turns[-1] == "more":
        turns.append(trials.work_on(trial.pk, Patience(3), now=timezone.now()))

    assert len(turns) > 2
    parts = trying.spans_of(trial.rule.spec, since=trial.since, until=trial.until)
    assert looked == parts
    assert read_again(trial).percent == 100


def test_a_part_that_fails_ends_it_with_the_kind_of_error(admin, monkeypatch) -> None:
    trial = opened(admin)
    cut = Interrupted(after=2, error=ValueError("alice@example.org"))
    monkeypatch.setattr(trying, "look", cut)

    assert trials.work_on(trial.pk, IN_TURNS, now=timezone.now()) == "done"

    found = read_again(trial)
    assert (found.state, found.problem) == ("failed", "It failed: ValueError.")


def test_nobody_works_on_what_another_is_at_until_its_lease_ends(
    admin, monkeypatch
) -> None:
    trial, now = opened(admin), timezone.now()
    cut = Interrupted(after=3, error=KeyboardInterrupt())
    monkeypatch.setattr(trying, "look", cut)
    with pytest.raises(KeyboardInterrupt):
        trials.work_on(trial.pk, IN_TURNS, now=now)
    monkeypatch.setattr(trying, "look", cut.real)

    assert trials.work_on(trial.pk, IN_TURNS, now=now) == "not_ours"
    assert trials.waiting_trials(now=now) == []
    late = now + 2 * LEASE
    assert trials.waiting_trials(now=late) == [trial.pk]
    assert trials.work_on(trial.pk, IN_TURNS, now=late) == "done"
    assert read_again(trial).state == "done"


def test_one_that_stops_every_worker_is_given_up(admin, monkeypatch) -> None:
    trial, now = opened(admin), timezone.now()
    cut = Interrupted(after=0, error=KeyboardInterrupt())
    monkeypatch.setattr(trying, "look", cut)
    for _ in range(trials.MOST_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            trials.work_on(trial.pk, IN_TURNS, now=now)
        now += 2 * LEASE

    assert trials.work_on(trial.pk, IN_TURNS, now=now) == "done"
    assert "given up" in read_again(trial).problem


def test_so_many_at_once_and_the_others_wait_their_turn(admin) -> None:
    now = timezone.now()
    waiting, *_ = [opened(admin) for _ in range(3)]
    RuleTrial.objects.exclude(pk=waiting.pk).update(leased_until=now + LEASE)

    assert trials.work_on(waiting.pk, IN_TURNS, now=now) == "not_ours"
    RuleTrial.objects.exclude(pk=waiting.pk).update(state="done", leased_until=None)
    assert trials.work_on(waiting.pk, IN_TURNS, now=now) == "done"


def test_a_rule_that_finds_everything_is_told_so(admin, monkeypatch) -> None:
    monkeypatch.setattr(trials, "MOST_FINDINGS", 1)
    for _ in range(2):
        make_events(
            events.AUTHORIZATION_DENIED,
            every(timedelta(seconds=1), count=5, until=timezone.now()),
            actor_pseudonym=pseudonym_of(make_actor()),
        )
    rule = DetectionRule.objects.get(name="denials_in_5_minutes")
    now = timezone.now()
    trial = open_trial(make_actor(admin), rule, days=1, now=now)

    trials.work_on(trial.pk, IN_TURNS, now=now)

    assert "make the rule stricter" in read_again(trial).problem
    assert read_again(trial).findings == []


def test_results_are_kept_for_a_day(admin) -> None:
    trial = opened(admin)

    assert trials.delete_expired(now=trial.expires_at - timedelta(seconds=1)) == 0
    assert trials.delete_expired(now=trial.expires_at) == 1


def test_what_nobody_was_told_of_is_handed_out(admin, monkeypatch) -> None:
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(tasks, "enqueue", lambda *given: sent.append(given))
    trial = opened(admin)

    assert tasks.hand_out_trials() == 1

    assert sent == [("auditlog.tasks.run_trial", str(trial.pk))]


@pytest.mark.django_db(transaction=True)
class TestProcesses:
    def test_no_two_work_on_one_trial_at_once(self, admin) -> None:
        trial, gate = opened(admin), Barrier(4)

        def work() -> str:
            try:
                gate.wait(timeout=30)
                return trials.work_on(trial.pk, IN_TURNS, now=timezone.now())
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            said = [pool.submit(work) for _ in range(4)]

        assert sorted(one.result() for one in said) == ["done", *["not_ours"] * 3]

    def test_a_killed_worker_loses_only_the_part_it_was_at(self, admin) -> None:
        trial = opened(admin)
        connections.close_all()
        child = os.fork()
        if child == 0:
            work_and_die_after(3, trial)

        _, status = os.waitpid(child, 0)

        assert os.WTERMSIG(status) == signal.SIGKILL
        assert read_again(trial).looked_until == trial.since + 3 * DAY
        assert tasks.run_trial(str(trial.pk)) == "not_ours"
        late = timezone.now() + 2 * LEASE
        assert trials.work_on(trial.pk, IN_TURNS, now=late) == "done"
        assert read_again(trial).percent == 100

    def test_no_more_open_than_allowed_when_all_come_at_once(self, admin) -> None:
        gate = Barrier(6)

        def begin() -> bool:
            try:
                gate.wait(timeout=30)
                opened(admin)
            except Conflict:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(6) as pool:
            tries = [pool.submit(begin) for _ in range(6)]

        assert sum(one.result() for one in tries) == trials.MOST_OPEN


def work_and_die_after(parts: int, trial: RuleTrial) -> None:
    """End this process as kill -9 does, at the part after so many."""

    def look(*_: object, **_how: object) -> list[Finding]:
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left.pop()
        return []

    left = [None] * parts
    trying.look = look
    try:
        trials.work_on(trial.pk, IN_TURNS, now=timezone.now())
    finally:
        os._exit(1)

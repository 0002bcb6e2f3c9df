"""Screening changes what a scan costs, and never what it finds."""

from __future__ import annotations

import random  # noqa: TID251 - the same crowd every time
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from auditlog.models import ActorBaseline, DetectionRule, KnownPlace, RuleRun
from auditlog.rules import RuleSpec, Span
from auditlog.rules.floor import DENIALS_IN_5_MINUTES, QUERIES_IN_24_HOURS
from auditlog.services import detection
from auditlog.services.detection import screening
from auditlog.services.detection.engine import effective_rules
from auditlog.services.detection.evaluation import NOBODY, evaluate
from auditlog.services.detection.places import keep_places
from auditlog.services.detection.screening import Task, screened
from auditlog.tests.detection.factories import every, make_events, person
from chatsec.core.errors import Json

pytestmark = pytest.mark.django_db
NOW, DAY = timezone.now(), timedelta(days=1)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EVENTS = (
    "authorization_denied",
    "chatbot_query",
    "data_access",
    "accounts.sign_in_failed",
    "accounts.signed_in",
    "rbac.role_assigned",
    "chat.message_blocked",
)


def task_of(spec: RuleSpec, *, since=NOW - 15 * MINUTE, exempt=NOBODY) -> Task:
    return Task(spec, Span(since, NOW), exempt, NOW)


def make_crowd(seed: int) -> None:
    """Leave bursts of people of every kind around the limits of the rules."""
    chance = random.Random(seed)
    for number in range(12):
        who = person()
        for event in chance.sample(EVENTS, 4):
            step = chance.choice([SECOND, 20 * SECOND, 2 * MINUTE, 20 * MINUTE])
            times = every(
                step,
                count=chance.choice([1, 3, 4, 5, 7, 16, 35]),
                until=NOW - chance.choice([0, 5, 15, 40, 200]) * MINUTE,
            )
            make_events(
                event,
                times,
                actor_pseudonym=None if event == "accounts.sign_in_failed" else who,
                subject_pseudonym=who,
                network_hash=bytes([number % 3]) * 16,
                device_hash=bytes([chance.randrange(3)]) * 16,
                country=chance.choice(["DE", "FR", "", None]),
                session_hash=bytes([number]) * 16,
                resource_type="sales",
                resource_id=str(chance.randrange(4)),
                result_count=chance.choice([0, 3, 300]),
            )
        KnownPlace.objects.create(
            actor_pseudonym=who,
            network_hash=b"9" * 16,
            first_at=NOW - 20 * DAY,
            last_at=NOW,
        )
        for metric in ("queries", "records", "resources", "denials", "activity"):
            for part in ("work", "day"):
                ActorBaseline.objects.create(
                    actor_pseudonym=who,
                    metric=metric,
                    hour_class=part,
                    median=chance.choice([0.5, 2, 5]),
                    mad=0.1,
                    ewma=1,
                    n=40,
                    updated_at=NOW,
                )
    keep_places(now=NOW)


@pytest.mark.parametrize("back", [15 * MINUTE, 6 * HOUR])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_leaves_out_nobody_whom_a_rule_finds(seed: int, back: timedelta) -> None:
    make_crowd(seed)
    rules = effective_rules()

    tasks = screened([task_of(spec, since=NOW - back) for spec in rules])

    assert len(tasks) == len(rules)
    found: set[str] = set()
    for task in tasks:
        whole = evaluate(task.spec, task.span)
        narrow = (
            [] if task.finds_nothing else evaluate(task.spec, task.span, task.exempt)
        )
        assert narrow == whole, task.spec.name
        found |= {task.spec.name} if whole else set()
    assert len(found) > 8, found


def test_it_knows_of_whom_nothing_can_be_found() -> None:
    loud, quiet = person(), person()
    for who, count in ((loud, 4), (quiet, 3)):
        make_events(
            "authorization_denied",
            every(SECOND, count=count, until=NOW),
            actor_pseudonym=who,
        )
    longer = replace(DENIALS_IN_5_MINUTES, name="ten", parameters=more_than(10))

    tasks = screened(task_of(spec) for spec in (DENIALS_IN_5_MINUTES, longer))

    assert [task.exempt.among for task in tasks] == [(loud,), ()]
    assert [task.finds_nothing for task in tasks] == [False, True]


def more_than(number: int) -> dict[str, Json]:
    return {"events": ["authorization_denied"], "more_than": number}


def test_a_declared_limit_below_the_rules_counts() -> None:
    who = person()
    make_events("chatbot_query", every(SECOND, count=6, until=NOW), actor_pseudonym=who)
    exempt = replace(NOBODY, declared={who: 5, person(): 2000})

    (task,) = screened([task_of(QUERIES_IN_24_HOURS, exempt=exempt)])

    assert task.exempt.among == (who,)


def test_too_many_are_not_asked_for_by_name(monkeypatch) -> None:
    monkeypatch.setattr(screening, "MOST", 1)
    for _ in range(2):
        make_events(
            "authorization_denied",
            every(SECOND, count=4, until=NOW),
            actor_pseudonym=person(),
        )

    (task,) = screened([task_of(DENIALS_IN_5_MINUTES)])

    assert task.exempt.among is None
    assert len(detection.run_rules(now=NOW, rules=[DENIALS_IN_5_MINUTES])) == 2


def ask_often(*, hours: int, in_each_part: int) -> UUID:
    """Return who asks much now, and was seen in so many hours, of them so few here."""
    who = person()
    parts = dict.fromkeys(("work", "evening", "night", "weekend"), in_each_part)
    ActorBaseline.objects.bulk_create(
        ActorBaseline(
            actor_pseudonym=who,
            metric="activity",
            hour_class=part,
            median=0,
            mad=0,
            ewma=0,
            n=n,
            updated_at=NOW,
        )
        for part, n in {**parts, "day": hours - 4 * in_each_part}.items()
        if n
    )
    times = every(SECOND, count=30, until=NOW)
    make_events("chatbot_query", times, actor_pseudonym=who)
    return who


def off_hours() -> RuleSpec:
    return DetectionRule.objects.get(name="off_hours").spec


@pytest.mark.parametrize(
    ("hours", "in_each_part", "is_seldom"),
    [(100, 0, True), (100, 3, True), (100, 4, False), (29, 0, False), (30, 0, True)],
)
def test_of_who_is_often_here_no_events_are_read(
    *, hours: int, in_each_part: int, is_seldom: bool
) -> None:
    who = ask_often(hours=hours, in_each_part=in_each_part)

    (task,) = screened([task_of(off_hours())])

    assert task.exempt.among == ((who,) if is_seldom else ())
    assert bool(evaluate(task.spec, task.span)) is is_seldom


def test_where_too_many_are_seldom_here_their_events_tell(monkeypatch) -> None:
    monkeypatch.setattr(screening, "MOST", 1)
    busy, _ = (ask_often(hours=100, in_each_part=0) for _ in range(2))
    rule = replace(off_hours(), parameters={**off_hours().parameters, "at_least": 31})
    make_events("chatbot_query", [NOW], actor_pseudonym=busy)

    (task,) = screened([task_of(rule)])

    assert task.exempt.among == (busy,)


def test_where_it_fails_every_rule_runs_alone(monkeypatch) -> None:
    make_events(
        "authorization_denied",
        every(SECOND, count=4, until=NOW),
        actor_pseudonym=person(),
    )
    monkeypatch.setattr(screening, "FOR_THE_SCAN", "SELECT 1 / 0;")

    alerts = detection.run_rules(now=NOW, rules=[DENIALS_IN_5_MINUTES])

    assert len(alerts) == 1
    assert RuleRun.objects.get(rule="denials_in_5_minutes").scanned_until == NOW

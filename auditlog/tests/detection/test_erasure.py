"""Somebody is erased while a scan writes down what it knows of him: nothing stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest
from django.db import connections, transaction

from auditlog import events, habit_data
from auditlog.models import (
    ActorBaseline,
    ActorDay,
    ActorHour,
    ActorSurprise,
    KnownPlace,
    RiskSignal,
)
from auditlog.rules import Span
from auditlog.services import detection
from auditlog.services.detection.evaluation import evaluate
from auditlog.services.detection.places import keep_places
from auditlog.services.detection.risk import note_signs
from auditlog.tests.detection.factories import (
    DAY,
    NOW,
    every,
    make_events,
    make_habits,
    pseudonym_of,
)
from auditlog.tests.detection.strangers import HOME, rule
from auditlog.tests.factories import destroy_key, make_actor
from chatsec.core.crypto import subject_keys
from tests.waiting import PATIENCE_SECONDS, until_it_waits_or_ends

HABITS = (
    ActorBaseline,
    ActorDay,
    ActorHour,
    ActorSurprise,
    KnownPlace,
    RiskSignal,
)
Scan = Callable[[], object]


def learn_places() -> None:
    keep_places(now=NOW)


def learn_habits() -> None:
    detection.refresh_baselines(now=NOW, at_once="now")


def learn_signs() -> None:
    spec = rule("blocked_message")
    note_signs(spec, evaluate(spec, Span(NOW - DAY, NOW)))


def rows_of(people: set[UUID]) -> dict[str, int]:
    """Return of which kinds anything is known of them, and how much."""
    counts = {
        model.__name__: model.objects.filter(actor_pseudonym__in=people)
        for model in HABITS
    }
    return {name: rows.count() for name, rows in counts.items() if rows.exists()}


def erase(subject_id: UUID) -> None:
    """Do what an erasure does with habits, in one transaction as that is."""
    with transaction.atomic():
        for each in (
            habit_data.erase_baselines,
            habit_data.erase_days,
            habit_data.erase_hours,
            habit_data.erase_places,
            habit_data.erase_signs,
            habit_data.erase_surprise,
        ):
            each(subject_id)
        destroy_key(subject_id)


def at_the_same_moment(work: Callable[[], object]) -> Future[None]:
    """Return what did this in a thread, or waits there for who is at it already."""
    ended: Future[None] = Future()

    def run() -> None:
        try:
            work()
            ended.set_result(None)
        except BaseException as error:  # noqa: BLE001 - for whom asks for the result
            ended.set_exception(error)
        finally:
            connections.close_all()

    thread = Thread(target=run, daemon=True)
    thread.start()
    until_it_waits_or_ends(thread)
    return ended


@pytest.fixture
def person() -> UUID:
    """Return somebody of whom every kind of scan has something to write."""
    actor = make_actor()
    assert actor.id is not None
    who = pseudonym_of(actor)
    # Of six weeks, so that days can be unlike others.
    for event in (events.CHATBOT_QUERY, events.DATA_ACCESS):
        make_events(
            event,
            every(DAY, count=40, until=NOW - timedelta(minutes=1)),
            actor_pseudonym=who,
            network_hash=HOME,
        )
    make_events("chat.message_blocked", [NOW], actor_pseudonym=who)
    return actor.id


SCANS = pytest.mark.parametrize("scan", [learn_places, learn_habits, learn_signs])


@SCANS
@pytest.mark.django_db
def test_a_scan_has_something_to_write_of_him(scan: Scan, person: UUID) -> None:
    scan()

    written = set(rows_of({subject_keys().pseudonym(person)}))
    expected: dict[Scan, set[str]] = {
        learn_places: {"KnownPlace"},
        learn_habits: {
            "ActorBaseline",
            "ActorDay",
            "ActorHour",
            "ActorSurprise",
            "KnownPlace",
        },
        learn_signs: {"RiskSignal"},
    }
    assert written == expected[scan]


@SCANS
@pytest.mark.django_db(transaction=True)
def test_an_erasure_while_a_scan_has_not_committed(scan: Scan, person: UUID) -> None:
    who = {subject_keys().pseudonym(person)}

    with transaction.atomic():
        scan()
        erasure = at_the_same_moment(lambda: erase(person))
    erasure.result(timeout=PATIENCE_SECONDS)

    assert rows_of(who) == {}


@SCANS
@pytest.mark.django_db(transaction=True)
def test_a_scan_while_an_erasure_has_not_committed(scan: Scan, person: UUID) -> None:
    who = {subject_keys().pseudonym(person)}

    with transaction.atomic():
        erase(person)
        scanning = at_the_same_moment(scan)
    scanning.result(timeout=PATIENCE_SECONDS)

    assert rows_of(who) == {}


@SCANS
@pytest.mark.django_db
def test_a_scan_afterwards_writes_nothing_of_the_dead(scan: Scan, person: UUID) -> None:
    who = {subject_keys().pseudonym(person)}
    erase(person)

    scan()

    assert rows_of(who) == {}


@pytest.mark.django_db
def test_what_is_left_of_the_dead_in_any_way_goes_within_a_day() -> None:
    actor = make_actor()
    assert actor.id is not None
    make_habits(actor.id)
    who = {pseudonym_of(actor)}
    destroy_key(actor.id)  # and nobody erased anything

    detection.refresh_baselines(now=NOW, at_once="now")

    assert rows_of(who) == {}

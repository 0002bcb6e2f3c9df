"""Events in bulk, activity and habits, all by one statement each; rules and scans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone
from psycopg2.extras import execute_values

from auditlog import events
from auditlog.models import (
    ActorBaseline,
    ActorDay,
    ActorHour,
    ActorSurprise,
    Alert,
    DetectionRule,
    KnownPlace,
    RiskSignal,
)
from auditlog.registry import EventType, event_types
from auditlog.rules import RuleSpec
from auditlog.services import detection
from auditlog.services.detection import RuleTerms
from auditlog.services.detection.changing import COLUMNS
from auditlog.services.recording import Row, build_row
from auditlog.tests.factories import make_actor
from chatsec.core.context import Actor
from chatsec.core.crypto import subject_keys

NOW: Final = timezone.now()
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def pseudonym_of(actor: Actor) -> UUID:
    """Return the pseudonym of somebody who has an id."""
    assert actor.id is not None
    return subject_keys().pseudonym(actor.id)


def person() -> UUID:
    """Return the pseudonym of somebody new."""
    return pseudonym_of(make_actor())


def make_events(
    event: EventType | str, times: Iterable[datetime], **columns: object
) -> list[Row]:
    """Leave an event of the type, or of its name, at each time; columns as given."""
    event = event_types()[event] if isinstance(event, str) else event
    model = build_row(event, {"outcome": "success"}, occurred_at=timezone.now())
    rows = []
    for at in times:
        fresh = build_row(event, {}, occurred_at=at)
        values = {"actor_kind": "user", **columns}
        rows.append(
            model._replace(
                event_id=fresh.event_id,
                occurred_at=at,
                expires_at=fresh.expires_at,
                **values,  # type: ignore[arg-type]  # columns by name
            )
        )
    insert_rows(rows)
    return rows


def insert_rows(rows: list[Row]) -> None:
    """Write rows with one statement."""
    names = ", ".join(Row._fields)
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            f"INSERT INTO auditlog_event ({names}) VALUES %s",
            rows,
            page_size=5000,
        )


def every(step: timedelta, *, count: int, until: datetime) -> list[datetime]:
    """Return moments a step apart, the last of them `until`."""
    return [until - step * number for number in range(count)]


def make_habits(subject_id: UUID) -> UUID:
    """Leave one row of each kind that detection keeps of somebody's habits."""
    pseudonym = subject_keys().pseudonym(subject_id)
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    ActorHour.objects.create(actor_pseudonym=pseudonym, hour=hour, queries=3)
    ActorBaseline.objects.create(
        actor_pseudonym=pseudonym,
        metric="queries",
        hour_class="day",
        median=1,
        mad=0.5,
        ewma=1,
        n=20,
        updated_at=now,
    )
    KnownPlace.objects.create(
        actor_pseudonym=pseudonym,
        network_hash=b"n" * 16,
        first_at=now - 9 * DAY,
        last_at=now,
    )
    RiskSignal.objects.create(
        actor_pseudonym=pseudonym,
        rule="new_device",
        weight=25,
        first_at=now - 3 * DAY,
        last_at=now - 3 * DAY,
    )
    last_week = now - 8 * DAY
    ActorDay.objects.create(
        actor_pseudonym=pseudonym,
        day=last_week.date(),
        aspect="reads",
        value="sales/summary",
        n=2,
        last_at=last_week,
    )
    ActorSurprise.objects.create(
        actor_pseudonym=pseudonym,
        day=last_week.date(),
        days=1,
        reads=3.5,
        last_at=last_week,
    )
    return pseudonym


def deny(who: UUID, count: int = 4, until: datetime = NOW) -> None:
    """Leave as many refusals of one person, a second apart."""
    make_events(
        events.AUTHORIZATION_DENIED,
        every(SECOND, count=count, until=until),
        actor_pseudonym=who,
        outcome="denied",
    )


def terms_of(rule: DetectionRule, **changes: object) -> RuleTerms:
    """Return the terms of a rule, some of them others."""
    columns: dict[str, object] = {name: getattr(rule, name) for name in COLUMNS}
    return RuleTerms(**columns | changes)  # type: ignore[arg-type]  # columns by name


def scan(*rules: RuleSpec, now: datetime = NOW) -> list[Alert]:
    """Return the alerts that a run of these rules, or of all, newly opens."""
    return detection.run_rules(now=now, rules=rules or None)


def rule_named(name: str) -> DetectionRule:
    """Return the rule as it is kept."""
    return DetectionRule.objects.get(name=name)

"""Alerts: one row per episode, however often and however late it is scanned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from auditlog import events
from auditlog.models import Alert, Event
from auditlog.registry import event_types
from auditlog.rules import Rule
from auditlog.services import incidents
from auditlog.services.recording import Target, record
from chatsec.core.context import SYSTEM
from chatsec.core.crypto import subject_keys

# The event `more_than` places earlier, of the same actor: if it is within the window,
# there is one more than that many in it. Exact for any scan interval.
_CROSSINGS: Final = """
    SELECT actor_pseudonym, min(window_start), max(occurred_at)
    FROM (
        SELECT actor_pseudonym, occurred_at, lag(occurred_at, %(more_than)s) OVER (
            PARTITION BY actor_pseudonym ORDER BY occurred_at, event_id
        ) AS window_start
        FROM auditlog_event
        WHERE category = %(category)s AND event_type = %(event_type)s
            AND occurred_at BETWEEN %(since)s AND %(now)s
            AND actor_pseudonym IS NOT NULL
            AND (actor_pseudonym = ANY(%(actors)s::uuid[])) = %(are_these)s
    ) AS recent
    WHERE occurred_at - window_start <= make_interval(secs => %(seconds)s)
    GROUP BY actor_pseudonym
    ORDER BY actor_pseudonym
"""
_ONE_SCAN_AT_A_TIME: Final = (
    "SELECT pg_advisory_xact_lock(hashtext('chatsec audit scan'))"
)


class Crossing(NamedTuple):
    """One actor went over a rule's limit between two moments."""

    actor_pseudonym: UUID
    first_at: datetime
    last_at: datetime


def scan(rules: Iterable[Rule], *, now: datetime) -> list[Alert]:
    """Give every crossing its alert; return those that are newly open."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_SCAN_AT_A_TIME)
        found = [
            _alert_for(rule, crossing, now=now)
            for rule in rules
            for crossing in _crossings(rule, now=now)
        ]
    return [alert for alert in found if alert is not None]


def _crossings(rule: Rule, *, now: datetime) -> list[Crossing]:
    """Return who went over the rule's limit, or over one that was declared for him."""
    declared = _declared(rule)
    found = _over(rule, declared, now=now, are_these=False)
    for limit in sorted(set(declared.values())):
        actors = [actor for actor, own in declared.items() if own == limit]
        own_rule = replace(rule, more_than=limit)
        found += _over(own_rule, actors, now=now, are_these=True)
    return found


def _declared(rule: Rule) -> dict[UUID, int]:
    """Return the limits of accounts that have their own, by pseudonym."""
    if not rule.yields_to_declared:
        return {}
    volumes: Mapping[UUID, int] = import_string(settings.CHATSEC_DECLARED_VOLUMES)()
    keys = subject_keys()
    return {keys.pseudonym(user_id): limit for user_id, limit in volumes.items()}


def _over(
    rule: Rule, actors: Collection[UUID], *, now: datetime, are_these: bool
) -> list[Crossing]:
    parameters: dict[str, str | float | datetime | list[str]] = {
        "actors": [str(actor) for actor in actors],
        "are_these": are_these,
        "more_than": rule.more_than,
        "category": _category(rule),
        "event_type": rule.event_type,
        "since": now - rule.look_back,
        "now": now,
        "seconds": rule.within.total_seconds(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CROSSINGS, parameters)
        return [Crossing(*row) for row in cursor.fetchall()]


def _alert_for(rule: Rule, crossing: Crossing, *, now: datetime) -> Alert | None:
    """Return a new or reopened alert; None where the episode is known and open."""
    known = (
        Alert.objects.filter(
            rule=rule.name,
            actor_pseudonym=crossing.actor_pseudonym,
            last_at__gte=crossing.first_at - rule.within,
        )
        .order_by("last_at")
        .last()
    )
    if known is None:
        return _announced(_opened(rule, crossing, now=now), rule)
    if crossing.last_at <= known.last_at:
        return None
    return _continued(known, rule, crossing)


def _opened(rule: Rule, crossing: Crossing, *, now: datetime) -> Alert:
    key = f"{rule.name}|{crossing.actor_pseudonym}|{crossing.first_at.isoformat()}"
    return Alert.objects.create(
        rule=rule.name,
        fingerprint=sha256(key.encode()).hexdigest(),
        actor_pseudonym=crossing.actor_pseudonym,
        first_at=crossing.first_at,
        last_at=crossing.last_at,
        count=_count(rule, crossing),
        created_at=now,
    )


def _continued(known: Alert, rule: Rule, crossing: Crossing) -> Alert | None:
    """Grow the alert of an episode that goes on; reopen it if it was resolved."""
    reopens = known.state == "resolved"
    known.last_at = crossing.last_at
    known.count = _count(rule, crossing._replace(first_at=known.first_at))
    known.state = "open" if reopens else known.state
    known.save(update_fields=["last_at", "count", "state"])
    if reopens:
        return _announced(known, rule)
    incidents.alert_grew(known)
    return None


def _announced(alert: Alert, rule: Rule) -> Alert:
    record(
        events.SECURITY_ALERT,
        actor=SYSTEM,
        outcome="failure",
        target=Target("auditlog.Alert", alert.id),
        subject_id=subject_keys().subject_of(alert.actor_pseudonym),
        details={
            "alert_type": rule.name,
            "failure_count": alert.count,
            "time_window_minutes": rule.minutes,
            "action_taken": "alert_opened",
        },
    )
    incidents.take_alert(alert)
    return alert


def _count(rule: Rule, crossing: Crossing) -> int:
    return Event.objects.filter(
        category=_category(rule),
        event_type=rule.event_type,
        actor_pseudonym=crossing.actor_pseudonym,
        occurred_at__range=(crossing.first_at, crossing.last_at),
    ).count()


def _category(rule: Rule) -> str:
    return event_types()[rule.event_type].category

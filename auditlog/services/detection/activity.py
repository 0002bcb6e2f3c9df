"""What people do by the hour, and what is usual for each: all of it in SQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from psycopg2.sql import SQL

from auditlog.constants import ACTIVITY_DAYS, BASELINE_DAYS
from auditlog.habit_turns import take_turn_to_erase, take_turn_to_write
from auditlog.models import (
    ActorBaseline,
    ActorDay,
    ActorHour,
    ActorSurprise,
    KnownPlace,
    RiskSignal,
)
from auditlog.rules.parameters import METRIC_EVENTS
from auditlog.rules.statements.common import Bound, class_of
from auditlog.rules.statements.origin import where_from
from auditlog.services.detection import surprise
from auditlog.services.detection.places import forget_places, keep_places
from auditlog.services.detection.risk import forget_faded
from chatsec.core.crypto import subject_keys
from chatsec.core.errors import Json

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A late commit falls into an hour that was counted already: it is counted again.
OVERLAP: Final = 2 * HOUR
# What the day's baseline leaves out, so that a slow rise does not become usual.
SETTLING: Final = timedelta(days=7)
EVERY: Final = timedelta(hours=20)
FAILURES: Final[list[Json]] = list(METRIC_EVENTS["failures"])
HABITS: Final = (
    ActorHour,
    ActorBaseline,
    ActorDay,
    ActorSurprise,
    KnownPlace,
    RiskSignal,
)
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('chatsec baselines'))"
_ROLL_UP: Final = SQL("""
    INSERT INTO auditlog_actorhour
        (actor_pseudonym, hour, queries, records, resources, denials, failures,
            strangers)
    SELECT person, hour, sum(queries), sum(records), sum(resources), sum(denials),
        sum(failures), sum(strangers)
    FROM (
        SELECT actor_pseudonym AS person, date_trunc('hour', occurred_at) AS hour,
            count(*) FILTER (WHERE event_type = 'chatbot_query') AS queries,
            coalesce(sum(result_count) FILTER (WHERE event_type = 'data_access'), 0)
                AS records,
            count(DISTINCT resource_type || '/' || resource_id)
                FILTER (WHERE event_type = 'data_access') AS resources,
            count(*) FILTER (WHERE event_type = 'authorization_denied') AS denials,
            0 AS failures, 0 AS strangers
        FROM auditlog_event
        WHERE occurred_at >= %(since)s AND occurred_at < %(until)s
            AND actor_pseudonym IS NOT NULL AND actor_kind <> 'system'
        GROUP BY 1, 2
        UNION ALL
        SELECT subject_pseudonym, date_trunc('hour', occurred_at), 0, 0, 0, 0, count(*),
            count(*) FILTER (WHERE true{strangers})
        FROM auditlog_event
        WHERE occurred_at >= %(since)s AND occurred_at < %(until)s
            AND category = 'security' AND event_type = ANY(%(failures)s)
            AND subject_pseudonym IS NOT NULL
        GROUP BY 1, 2
    ) AS counted
    GROUP BY 1, 2
    ON CONFLICT (actor_pseudonym, hour) DO UPDATE SET
        queries = excluded.queries, records = excluded.records,
        resources = excluded.resources, denials = excluded.denials,
        failures = excluded.failures, strangers = excluded.strangers
    RETURNING actor_pseudonym
""")
# Samples are the hours, or days, in which there was any of it: silence is no measure of
# how much somebody does. A failed sign-in alone is not his being there.
_BASELINES: Final = SQL("""
    WITH sample AS MATERIALIZED (
        SELECT {person} AS person, metric, hour_class, ln(1 + x) AS y, hour FROM (
            SELECT actor_pseudonym, hour, {hour_class} AS hour_class, queries, records,
                resources, denials, failures,
                (queries + records + resources + denials > 0)::int AS activity
            FROM auditlog_actorhour WHERE hour >= %(since)s AND hour < %(until)s
            UNION ALL
            SELECT actor_pseudonym, min(hour), 'day', sum(queries), sum(records),
                max(resources), sum(denials), sum(failures), 0
            FROM auditlog_actorhour
            WHERE hour >= %(days_since)s AND hour < %(days_until)s
            GROUP BY actor_pseudonym, (hour AT TIME ZONE %(zone)s)::date
        ) AS seen CROSS JOIN LATERAL (VALUES ('queries', queries), ('records', records),
            ('resources', resources), ('denials', denials), ('failures', failures),
            ('activity', activity)) AS measure (metric, x)
        WHERE x > 0
    ), middle AS (
        SELECT person, metric, hour_class,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY y) AS median
        FROM sample GROUP BY 1, 2, 3
    )
    INSERT INTO auditlog_actorbaseline
        (actor_pseudonym, metric, hour_class, median, mad, ewma, n, updated_at)
    SELECT nullif(person, {nobody}), metric, hour_class, median,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(y - median)),
        sum(y * recency) / sum(recency), count(*), %(now)s
    FROM sample JOIN middle USING (person, metric, hour_class) CROSS JOIN LATERAL
        (SELECT exp(-extract(epoch FROM %(until)s - hour) / 604800) AS recency) AS aged
    GROUP BY person, metric, hour_class, median
""")
_OF_EACH: Final = SQL("actor_pseudonym")
# No pseudonym is the nil UUID.
_OF_ALL: Final = SQL("'00000000-0000-0000-0000-000000000000'::uuid")


def roll_up_hours(*, now: datetime) -> int:
    """Count the hours since the last time; return how many rows were written."""
    keep_places(now=now)
    until = hour_of(now) + HOUR
    newest = ActorHour.objects.order_by("-hour").values_list("hour", flat=True).first()
    first = now - timedelta(days=BASELINE_DAYS) if newest is None else newest - OVERLAP
    since, written = hour_of(min(first, now - OVERLAP)), 0
    while since < until:
        # A day at a time: the first time there are weeks to count.
        step = min(since + DAY, until)
        written += _roll_up(since, step)
        since = step
    return written


def refresh_baselines(*, now: datetime, at_once: Literal["", "now"] = "") -> int:
    """Bring activity up to now and, once a day or at once, the baselines.

    Returns how many baselines were made.
    """
    roll_up_hours(now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        take_turn_to_write()
        _forget_erased(surprise.count_days(now=now))
    newest = ActorBaseline.objects.order_by("-updated_at").first()
    if newest is not None and now - newest.updated_at < EVERY and not at_once:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        take_turn_to_write()
        ActorBaseline.objects.all().delete()
        made = 0
        for person in (_OF_EACH, _OF_ALL):
            text = _BASELINES.format(
                person=person, nobody=_OF_ALL, hour_class=class_of("hour")
            )
            cursor.execute(text, _spans(now))
            made += cursor.rowcount
        ActorHour.objects.filter(hour__lt=now - timedelta(days=ACTIVITY_DAYS)).delete()
        forget_places(now=now)
        forget_faded(now=now)
        surprise.measure(now=now)
        _forget_erased(_known_people())
    return made


@transaction.atomic
def forget_activity(pseudonym: UUID) -> int:
    """Delete what is known of one person's habits; return how many rows that was."""
    take_turn_to_erase()
    return sum(
        model.objects.filter(actor_pseudonym=pseudonym).delete()[0] for model in HABITS
    )


def _roll_up(since: datetime, until: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        take_turn_to_write()
        bound: Bound = {"since": since, "until": until, "failures": FAILURES}
        told: dict[str, Json] = {"events": FAILURES, "origin": "unknown"}
        strangers = where_from(told, bound)
        cursor.execute(_ROLL_UP.format(strangers=strangers), bound)
        people = [row[0] for row in cursor.fetchall()]
        _forget_erased(set(people))
    return len(people)


def _forget_erased(people: set[UUID]) -> None:
    """Delete what is known of those of the pseudonyms that lead to nobody any more."""
    gone = people - set(subject_keys().subjects_of(people)) if people else set()
    if gone:
        for model in HABITS:
            model.objects.filter(actor_pseudonym__in=gone).delete()


def _known_people() -> set[UUID]:
    """Return of whom anything is known; hours show in the baselines made from them."""
    people: set[UUID | None] = set()
    for model in HABITS:
        if model is not ActorHour:
            rows = model.objects.values_list("actor_pseudonym", flat=True)
            people.update(rows.distinct())
    # Everybody's baselines have no pseudonym.
    return {person for person in people if person is not None}


def _spans(now: datetime) -> dict[str, datetime | str]:
    until = hour_of(now)
    # The whole of what there is where there is not enough yet to leave days out.
    oldest = ActorHour.objects.order_by("hour").values_list("hour", flat=True).first()
    is_young = oldest is None or now - oldest < 2 * SETTLING
    days_until = until if is_young else until - SETTLING
    return {
        "now": now,
        "since": until - timedelta(days=BASELINE_DAYS),
        "until": until,
        "days_since": days_until - timedelta(days=BASELINE_DAYS),
        "days_until": days_until,
        "zone": settings.CHATSEC_TIME_ZONE,
    }


def hour_of(at: datetime) -> datetime:
    """Return when the hour began that the moment is in."""
    return at.replace(minute=0, second=0, microsecond=0)

"""How unlike a person's own past each day is: counted and judged in SQL (ADR 18)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from auditlog.constants import SURPRISE_GAP, SURPRISE_PAST, Aspect
from auditlog.models import ActorDay, ActorSurprise, RuleRun, SurpriseScale
from auditlog.rules.parameters import ASPECT_EVENTS
from auditlog.rules.statements.common import Bound, categories_of

DAY: Final = timedelta(days=1)
# No rule has this name: it is no slug. Up to when days are counted is kept under it.
RUN: Final = "counted days"
# A late commit falls into a day that was counted already: it is counted again.
OVERLAP: Final = timedelta(hours=2)
# Of whom fewer days are known, nothing is unlike his past.
KNOWN_DAYS: Final = 5
# As much as so many days, or reads, of one's own count everybody's.
DAYS_OF_ALL: Final = 3
READS_OF_ALL: Final = 8
# Who was given a role reads what he never read: so long up to twice as much as those
# who read it.
SETTLING_IN: Final = SURPRISE_PAST * DAY
# Nothing that happens is impossible.
AT_LEAST: Final = 0.02
# So many days of people outweigh the scale that comes with the installation.
MEASURED: Final = 500


class Scale(NamedTuple):
    """What one day in 50 exceeds, and by how much on average, in bits."""

    exceeded: float
    excess: float


SHIPPED: Final[Mapping[tuple[Aspect, int], Scale]] = {
    ("reads", 1): Scale(9, 3),
    ("reads", 3): Scale(12, 4.5),
    ("reads", 7): Scale(18, 8),
    ("refusals", 1): Scale(6, 3.5),
    ("refusals", 3): Scale(7, 4),
    ("refusals", 7): Scale(8.5, 5.5),
    ("hours", 1): Scale(18, 10),
    ("hours", 3): Scale(14, 8),
    ("hours", 7): Scale(12, 8),
    ("acts", 1): Scale(6, 3),
    ("acts", 3): Scale(7, 3.5),
    ("acts", 7): Scale(8, 4),
}
# Days beyond it, one in 4096, may be an attack's: they are no measure of the others.
TRIMMED_BITS: Final = 12
_COUNT: Final = """
    INSERT INTO auditlog_actorday
        (actor_pseudonym, day, aspect, value, n, is_program, last_at)
    SELECT person, %(day)s, aspect, value, count(*), bool_or(is_program), max(at)
    FROM (
        SELECT actor_pseudonym AS person, occurred_at AS at,
            actor_kind = 'service' AS is_program, aspect, left(value, 200) AS value
        FROM auditlog_event CROSS JOIN LATERAL (VALUES
            ('reads', CASE event_type WHEN 'data_access'
                THEN resource_type || '/' || resource_id END),
            ('hours', CASE event_type WHEN 'chatbot_query'
                THEN extract(hour FROM occurred_at AT TIME ZONE %(zone)s)::text END),
            ('refusals', CASE WHEN event_type = ANY(%(refused)s)
                THEN coalesce(nullif(resource_id, ''), event_type) END),
            ('acts', CASE WHEN event_type <> ALL(%(refused)s)
                AND event_type <> ALL(%(left_out)s) THEN event_type END)
        ) AS of (aspect, value)
        WHERE occurred_at >= %(since)s AND occurred_at < %(until)s
            AND event_type <> 'authorization_check' AND value IS NOT NULL
            AND actor_pseudonym IS NOT NULL AND actor_kind <> 'system'
        UNION ALL
        SELECT subject_pseudonym, occurred_at, false, 'given', left(resource_id, 200)
        FROM auditlog_event
        WHERE category = ANY(%(given_in)s) AND event_type = ANY(%(given)s)
            AND occurred_at >= %(since)s AND occurred_at < %(until)s
            AND subject_pseudonym IS NOT NULL
    ) AS happened
    GROUP BY person, aspect, value
    ON CONFLICT (actor_pseudonym, day, aspect, value) DO UPDATE SET
        n = excluded.n, last_at = excluded.last_at
    RETURNING actor_pseudonym
"""
_GIVEN: Final = ("rbac.role_assigned", "rbac.object_permission_granted")
# How often somebody signs in says how long he pauses, and what his browser forgets.
_LEFT_OUT: Final = ("accounts.signed_in",)
# What is expected of a person is his own mean of a day at work, drawn towards the mean
# of all people (of all programs, for a program). How surprising more than that is, is
# the log-likelihood ratio of what was seen to what was expected: of a geometric count
# where the mean itself changes from day to day, and of Poisson's for the mix of what is
# read, given how much is read. Hours of the day reach into those beside them.
_JUDGE: Final = """
WITH counted AS MATERIALIZED (
    SELECT actor_pseudonym AS person, aspect, value, bool_or(is_program) AS is_program,
        coalesce(sum(n) FILTER (WHERE day < %(gap_from)s), 0)::float AS own,
        coalesce(sum(n) FILTER (WHERE day = %(day)s), 0)::float AS in_1,
        coalesce(sum(n) FILTER (WHERE day > %(day)s::date - 3), 0)::float AS in_3,
        coalesce(sum(n) FILTER (WHERE day > %(day)s::date - 7), 0)::float AS in_7
    FROM auditlog_actorday
    WHERE day BETWEEN %(past_from)s AND %(day)s AND aspect <> 'given'
    GROUP BY 1, 2, 3
), active AS MATERIALIZED (
    SELECT actor_pseudonym AS person, bool_or(is_program) AS is_program,
        (count(DISTINCT day) FILTER (WHERE day < %(gap_from)s))::float AS known,
        count(DISTINCT day) FILTER (WHERE day = %(day)s) AS in_1,
        count(DISTINCT day) FILTER (WHERE day > %(day)s::date - 3) AS in_3,
        count(DISTINCT day) FILTER (WHERE day > %(day)s::date - 7) AS in_7,
        max(last_at) AS last_at
    FROM auditlog_actorday
    WHERE day BETWEEN %(past_from)s AND %(day)s AND aspect <> 'given'
    GROUP BY 1
), settling AS (
    SELECT DISTINCT actor_pseudonym AS person FROM auditlog_actorday
    WHERE aspect = 'given' AND day BETWEEN %(given_from)s AND %(day)s
), past AS MATERIALIZED (
    SELECT person, aspect, value, own FROM counted WHERE own > 0 AND aspect <> 'hours'
    UNION ALL
    SELECT person, aspect, ((value::int + step + 24) %% 24)::text, sum(own * share)
    FROM counted CROSS JOIN (VALUES (-1, 0.25::float), (0, 0.5), (1, 0.25))
        AS near (step, share)
    WHERE own > 0 AND aspect = 'hours' GROUP BY 1, 2, 3
), people AS (
    SELECT is_program, count(*)::float AS people FROM active WHERE known > 0 GROUP BY 1
), usual AS MATERIALIZED (
    SELECT is_program, aspect, value, sum(own / known) / min(people) AS mean,
        avg(own / known) AS of_users
    FROM past JOIN active USING (person) JOIN people USING (is_program)
    WHERE known > 0 GROUP BY 1, 2, 3
), volume AS (
    SELECT person, own_reads, in_1, in_3, in_7, mean_reads FROM (
        SELECT person, bool_or(is_program) AS is_program, sum(own) AS own_reads,
            sum(in_1) AS in_1, sum(in_3) AS in_3, sum(in_7) AS in_7
        FROM counted WHERE aspect = 'reads' GROUP BY 1
    ) AS read LEFT JOIN (
        SELECT is_program, sum(mean) AS mean_reads FROM usual WHERE aspect = 'reads'
        GROUP BY 1
    ) AS by_all USING (is_program)
), seen AS (
    SELECT person, active.is_program, active.last_at, known, counted.aspect, days, n,
        at_work, all_reads, own_reads, mean_reads, coalesce(past.own, 0) AS own,
        coalesce(mean, 0) AS mean, coalesce(of_users, 0) AS of_users,
        settling.person IS NOT NULL AS is_settling
    FROM counted JOIN active USING (person) LEFT JOIN volume USING (person)
    LEFT JOIN settling USING (person)
    CROSS JOIN LATERAL (VALUES (1, counted.in_1, active.in_1, volume.in_1),
        (3, counted.in_3, active.in_3, volume.in_3),
        (7, counted.in_7, active.in_7, volume.in_7)
    ) AS spans (days, n, at_work, all_reads)
    LEFT JOIN past USING (person, aspect, value)
    LEFT JOIN usual ON usual.is_program = active.is_program
        AND usual.aspect = counted.aspect AND usual.value = counted.value
    WHERE active.in_1 > 0 AND known >= %(known_days)s AND n > 0
), expecting AS (
    SELECT *, CASE aspect WHEN 'reads' THEN greatest(
        all_reads * (own + %(reads_of_all)s * coalesce(mean / nullif(mean_reads, 0), 0)
            + 0.05) / (own_reads + %(reads_of_all)s + 1),
        CASE WHEN is_settling THEN 2 * at_work * of_users ELSE 0 END)
        ELSE at_work * (own + %(days_of_all)s * mean + %(at_least)s)
            / (known + %(days_of_all)s) END AS expected
    FROM seen
), surprising AS (
    SELECT person, is_program, last_at, aspect, days, CASE WHEN n <= expected THEN 0
        WHEN aspect = 'reads' THEN n * ln(n / expected) - (n - expected)
        ELSE n * ln(n / expected) - (n + 1) * ln((n + 1) / (expected + 1))
        END / ln(2.0) AS bits
    FROM expecting
)
INSERT INTO auditlog_actorsurprise
    (actor_pseudonym, day, days, reads, refusals, hours, acts, is_program, last_at)
SELECT person, %(day)s, days,
    coalesce(sum(bits) FILTER (WHERE aspect = 'reads'), 0),
    coalesce(sum(bits) FILTER (WHERE aspect = 'refusals'), 0),
    coalesce(sum(bits) FILTER (WHERE aspect = 'hours'), 0),
    coalesce(sum(bits) FILTER (WHERE aspect = 'acts'), 0),
    bool_or(is_program), max(last_at)
FROM surprising GROUP BY person, days
ON CONFLICT (actor_pseudonym, day, days) DO UPDATE SET
    reads = excluded.reads, refusals = excluded.refusals, hours = excluded.hours,
    acts = excluded.acts, last_at = excluded.last_at
"""
_MEASURE: Final = """
WITH day AS MATERIALIZED (
    SELECT aspect, days, x FROM auditlog_actorsurprise CROSS JOIN LATERAL (VALUES
        ('reads', reads), ('refusals', refusals), ('hours', hours), ('acts', acts)
    ) AS of (aspect, x)
    JOIN auditlog_surprisescale AS known USING (aspect, days)
    WHERE day >= %(since)s AND day < %(until)s
        AND x <= exceeded + excess * ln(2.0::float)
            * (%(trimmed_bits)s - log(2.0, 50)::float)
), top AS (
    SELECT aspect, days, count(*) AS n,
        percentile_cont(0.98) WITHIN GROUP (ORDER BY x) AS exceeded
    FROM day GROUP BY 1, 2
)
SELECT aspect, days, n, exceeded, avg(x - exceeded)
FROM top JOIN day USING (aspect, days)
WHERE x >= exceeded GROUP BY 1, 2, 3, 4
"""


def count_days(*, now: datetime) -> set[UUID]:
    """Count the days since the last time, and judge them; return whom it is about."""
    people: set[UUID] = set()
    for day in _days_since(now):
        people |= _count(day)
        if day > _day_of(now) - SURPRISE_PAST * DAY:
            _judge(day)
    RuleRun.objects.update_or_create(rule=RUN, defaults={"scanned_until": now})
    return people


def measure(*, now: datetime) -> None:
    """Bring the scales up to date, and delete what is too old to compare with.

    Until an installation has days enough of its own, they count as the shipped scale.
    """
    today = _day_of(now)
    for (aspect, days), scale in SHIPPED.items():
        SurpriseScale.objects.get_or_create(
            aspect=aspect,
            days=days,
            defaults={**scale._asdict(), "n": 0, "updated_at": now},
        )
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, _measured_span(today))
        for aspect, days, n, exceeded, excess in cursor.fetchall():
            scale = _between(SHIPPED[aspect, days], Scale(exceeded, excess), n)
            SurpriseScale.objects.filter(aspect=aspect, days=days).update(
                **scale._asdict(), n=n, updated_at=now
            )
    oldest = today - (SURPRISE_PAST + SURPRISE_GAP) * DAY
    ActorDay.objects.filter(day__lt=oldest).delete()
    ActorSurprise.objects.filter(day__lt=oldest).delete()


def _measured_span(today: date) -> Bound:
    return {
        "since": today - SURPRISE_PAST * DAY,
        "until": today,
        "trimmed_bits": TRIMMED_BITS,
    }


def _between(shipped: Scale, own: Scale, n: int) -> Scale:
    share = n / (n + MEASURED)
    excess = max(own.excess, shipped.excess / 10)
    return Scale(
        share * own.exceeded + (1 - share) * shipped.exceeded,
        share * excess + (1 - share) * shipped.excess,
    )


def _days_since(now: datetime) -> Iterator[date]:
    today = _day_of(now)
    newest = ActorDay.objects.order_by("-day").values_list("day", flat=True).first()
    oldest = today - (SURPRISE_PAST + SURPRISE_GAP) * DAY
    day = oldest if newest is None else max(oldest, min(newest, _day_of(now - OVERLAP)))
    while day <= today:
        yield day
        day += DAY


def _count(day: date) -> set[UUID]:
    bound: Bound = {
        "day": day,
        "since": _midnight(day),
        "until": _midnight(day + DAY),
        "zone": settings.CHATSEC_TIME_ZONE,
        "refused": list(ASPECT_EVENTS["refusals"]),
        "left_out": list(_LEFT_OUT),
        "given": list(_GIVEN),
        "given_in": categories_of(_GIVEN),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, bound)
        return {row[0] for row in cursor.fetchall()}


def _judge(day: date) -> None:
    gap_from = day - SURPRISE_GAP * DAY
    bound: Bound = {
        "day": day,
        "gap_from": gap_from,
        "past_from": gap_from - SURPRISE_PAST * DAY,
        "given_from": day - SETTLING_IN,
        "known_days": KNOWN_DAYS,
        "days_of_all": DAYS_OF_ALL,
        "reads_of_all": READS_OF_ALL,
        "at_least": AT_LEAST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE, bound)


def _day_of(at: datetime) -> date:
    return at.astimezone(ZoneInfo(settings.CHATSEC_TIME_ZONE)).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.CHATSEC_TIME_ZONE))

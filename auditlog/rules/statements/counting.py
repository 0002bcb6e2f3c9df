"""How many, or how much, within a sliding window: against a limit or one's own past."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast
from uuid import UUID

from psycopg2.sql import SQL

from auditlog.constants import OWN_SAMPLES, Metric, RuleGroup, RuleKind
from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import (
    ANY_TIME,
    KEYS,
    METRICS,
    NOTHING,
    ONE,
    RECORDS,
    WINDOW,
    Bound,
    Composable,
    Exempt,
    Statement,
    class_of,
    match,
    span_of,
)
from auditlog.rules.statements.distinct import distinct_text
from auditlog.rules.statements.screening import MOMENTS, NOW, Screen
from chatsec.core.errors import Json

# Who stays below his lowest limit in the whole time cannot have crossed it anywhere in
# it: the window function sees only the others. The frame ends with the row itself and
# has both of its edges inside, so a limit is crossed at an exact moment, whenever and
# however often somebody looks.
_SLIDING: Final = SQL("""
WITH {busy}windowed AS (
    SELECT key, at, x, sum(x) OVER sliding AS total,
        first_value(at) OVER sliding AS first_at
    FROM (
        SELECT {key} AS key, occurred_at AS at, {x} AS x
        FROM auditlog_event WHERE {match}{is_busy}
    ) AS matched
    WINDOW sliding AS (
        PARTITION BY key ORDER BY at RANGE BETWEEN {window} PRECEDING AND CURRENT ROW
    )
), crossing AS (
    SELECT windowed.*, {limit} AS allowed FROM (
        SELECT * FROM windowed WHERE at >= %(fire_from)s AND total > %(lowest)s
    ) AS windowed {joins}
    WHERE total > {limit}
), numbered AS (
    SELECT *, coalesce(sum(begins) OVER (PARTITION BY key ORDER BY at), 0)
        AS episode FROM (
        SELECT *, (first_at > lag(at) OVER (PARTITION BY key ORDER BY at) + {window}
            )::int AS begins
        FROM crossing
    ) AS marked
), episode AS (
    SELECT key, min(first_at) AS first_at, max(at) AS last_at, max(total) AS peak,
        min(allowed) AS allowed
    FROM numbered GROUP BY key, episode
)
SELECT key, episode.first_at, last_at, sum(x), jsonb_build_object(
    'peak', peak, 'limit', round(allowed::numeric, 1))
FROM episode JOIN windowed USING (key)
WHERE at BETWEEN episode.first_at AND last_at
GROUP BY key, episode.first_at, last_at, peak, allowed
ORDER BY key, episode.first_at
""")
_BUSY: Final = SQL("""busy AS MATERIALIZED (
    SELECT key FROM (
        SELECT {key} AS key, {bin} AS at, sum({x}) AS x FROM auditlog_event
        WHERE {match} GROUP BY 1, 2
    ) AS windowed {joins}
    GROUP BY key HAVING sum(x) > min({limit})
), """)
_IS_BUSY: Final = SQL(" AND {key} IN (SELECT key FROM busy)")
_DECLARED_JOIN: Final = SQL("""LEFT JOIN unnest(%(declared)s::uuid[], %(limits)s::int[])
        AS declared (person, own) ON declared.person = windowed.key""")
_DECLARED_LIMIT: Final = SQL("coalesce(declared.own, %(more_than)s)")
_FLAT_LIMIT: Final = SQL("%(more_than)s")
# A median and a spread (1.4826 MAD is a standard deviation where there is no outlier)
# of log1p, drawn towards everybody's where there are few samples of one's own.
_BASELINE_JOIN: Final = SQL("""
    LEFT JOIN auditlog_actorbaseline AS own ON own.actor_pseudonym = windowed.key
        AND own.metric = %(metric)s AND own.hour_class = {hour_class}{among}
    LEFT JOIN auditlog_actorbaseline AS everybody ON everybody.actor_pseudonym IS NULL
        AND everybody.metric = %(metric)s AND everybody.hour_class = {hour_class}
    CROSS JOIN LATERAL (SELECT least(coalesce(own.n, 0), %(own_samples)s)::float
        / %(own_samples)s AS weight) AS mine""")
# Of few people, their baselines are looked up; without it, all are read.
_AMONG_OWN: Final = SQL(" AND own.actor_pseudonym = ANY(%(among)s::uuid[])")
_BASELINE_LIMIT: Final = SQL("""(CASE WHEN coalesce(own.n, everybody.n) IS NOT NULL THEN
    greatest(%(least)s, exp(least(
        weight * coalesce(own.median, 0)
        + (1 - weight) * coalesce(everybody.median, own.median)
        + %(spreads)s * greatest(0.25, 1.4826 * (weight * coalesce(own.mad, 0)
            + (1 - weight) * coalesce(everybody.mad, own.mad))), 20)) - 1) END)""")
# Who was hardly ever seen in this part of the week, and often enough in the others.
_OFF_HOURS_JOIN: Final = SQL("""
    JOIN (SELECT actor_pseudonym, sum(n) AS hours FROM auditlog_actorbaseline
        WHERE metric = 'activity' AND actor_pseudonym IS NOT NULL
        GROUP BY 1 HAVING sum(n) >= %(after_hours)s) AS active
        ON active.actor_pseudonym = windowed.key
    LEFT JOIN auditlog_actorbaseline AS own ON own.actor_pseudonym = windowed.key
        AND own.metric = 'activity' AND own.hour_class = {hour_class}""")
_OFF_HOURS_LIMIT: Final = SQL(
    "(CASE WHEN coalesce(own.n, 0) <= %(share)s * hours THEN %(least)s END)"
)
# The same of all parts of the week that the time reaches into: who was in each of them
# often need not be counted. No row of a part is no hour in it.
_SELDOM_HERE: Final = SQL("""SELECT actor_pseudonym AS key
    FROM auditlog_actorbaseline CROSS JOIN (
        SELECT array_agg({hour_class}) AS parts FROM ({moments}) AS moment (at)
    ) AS reached
    WHERE metric = 'activity' AND actor_pseudonym IS NOT NULL
    GROUP BY 1, parts HAVING sum(n) >= %(after_hours)s
        AND (count(*) FILTER (WHERE hour_class = ANY(parts)) < cardinality(parts)
            OR min(n) FILTER (WHERE hour_class = ANY(parts)) <= %(share)s * sum(n))
""").format(hour_class=class_of("at"), moments=MOMENTS)


# Parts of the week begin at full hours of zones that are off by quarters of one.
_BY_QUARTER: Final = SQL("date_bin('15 minutes', occurred_at, '2000-01-01')")


class Limit(NamedTuple):
    """An expression for the highest allowed total, and what it has to join."""

    text: Composable
    joins: Composable = NOTHING
    # The moments between which the limit is the same.
    bin: Composable = ANY_TIME


class Counted(NamedTuple):
    """What is added up, and how much of it is allowed."""

    told: Mapping[str, Json]
    group: RuleGroup
    x: Composable
    limit: Limit
    # No limit is lower.
    lowest: int
    bound: Bound

    @property
    def is_distinct(self) -> bool:
        """Whether different values are counted, which are as many as events at most."""
        return self.told.get("metric") == "resources"


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return who has more than he may in the window."""
    counted = _COUNTED[spec.kind](spec, span, exempt)
    where = match(counted.told, counted.group, counted.bound)
    key, limit = KEYS[counted.group], counted.limit
    if counted.is_distinct:
        text = distinct_text(key, where, "resource", limit=limit)
        return Statement(text, {**counted.bound, "events_at_least": 0})
    parts = {"key": key, "match": where, "x": counted.x}
    parts |= {"limit": limit.text, "joins": limit.joins}
    # Whoever was screened is busy: the match names them.
    is_screened = exempt.among is not None
    busy = NOTHING if is_screened else _BUSY.format(bin=limit.bin, **parts)
    is_busy = NOTHING if is_screened else _IS_BUSY.format(key=key)
    text = _SLIDING.format(busy=busy, is_busy=is_busy, window=WINDOW, **parts)
    return Statement(text, {**counted.bound, "lowest": counted.lowest})


def screen(spec: RuleSpec, span: Span, exempt: Exempt) -> Screen:
    """Return what somebody must have done in the whole time to be found."""
    counted = _COUNTED[spec.kind](spec, span, exempt)
    limit = counted.limit
    return Screen(
        events=tuple(sorted(cast("list[str]", counted.told["events"]))),
        group=counted.group,
        x=counted.x,
        bound=counted.bound,
        lowest=counted.lowest,
        limit=None if limit.text is _FLAT_LIMIT else limit,
        moments=NOW if limit.bin is ANY_TIME else MOMENTS,
        whom=_SELDOM_HERE if spec.kind == "off_hours" else None,
    )


def _count(spec: RuleSpec, span: Span, exempt: Exempt) -> Counted:
    return _limited(spec, span, exempt, x=ONE)


def _sum(spec: RuleSpec, span: Span, exempt: Exempt) -> Counted:
    return _limited(spec, span, exempt, x=RECORDS)


def _limited(spec: RuleSpec, span: Span, exempt: Exempt, *, x: Composable) -> Counted:
    told, bound = spec.parameters, span_of(spec, span, exempt)
    lowest = bound["more_than"] = cast("int", told["more_than"])
    limit = Limit(_FLAT_LIMIT)
    if exempt.declared and spec.group in ("actor", "subject"):
        _bind_declared(bound, exempt.declared)
        limit = Limit(_DECLARED_LIMIT, _DECLARED_JOIN)
        lowest = min(lowest, *exempt.declared.values())
    return Counted(told, spec.group, x, limit, lowest, bound)


def _baseline(spec: RuleSpec, span: Span, exempt: Exempt) -> Counted:
    """Return what is far above what is usual for somebody in this part of the week."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    metric = cast("Metric", told["metric"])
    source = METRICS[metric]
    is_daily = spec.window.total_seconds() > 3600
    hour_class = SQL("'day'") if is_daily else class_of("at")
    least = _below(told["at_least"])
    bound.update(
        metric=metric,
        spreads=told["spreads"],
        own_samples=OWN_SAMPLES,
        least=least,
    )
    among = NOTHING if exempt.among is None else _AMONG_OWN
    joins = _BASELINE_JOIN.format(hour_class=hour_class, among=among)
    limit = Limit(_BASELINE_LIMIT, joins, ANY_TIME if is_daily else _BY_QUARTER)
    events: dict[str, Json] = {"events": list(source.events), "metric": metric}
    return Counted(events, source.group, source.x, limit, least, bound)


def _off_hours(spec: RuleSpec, span: Span, exempt: Exempt) -> Counted:
    """Return what is much in a part of the week in which somebody hardly ever was."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    least = _below(told["at_least"])
    bound.update(
        share=told["share"], after_hours=told.get("after_hours", 30), least=least
    )
    joins = _OFF_HOURS_JOIN.format(hour_class=class_of("at"))
    limit = Limit(_OFF_HOURS_LIMIT, joins, _BY_QUARTER)
    return Counted(told, spec.group, ONE, limit, least, bound)


_COUNTED: Final[Mapping[RuleKind, Callable[[RuleSpec, Span, Exempt], Counted]]] = {
    "event_count": _count,
    "value_sum": _sum,
    "baseline": _baseline,
    "off_hours": _off_hours,
}


def _bind_declared(bound: Bound, declared: Mapping[UUID, int]) -> None:
    bound["declared"] = [str(person) for person in declared]
    bound["limits"] = list(declared.values())


def _below(number: Json) -> int:
    """Return the limit that `at least` so many is above of."""
    if not isinstance(number, int):
        raise TypeError("at_least is a whole number")
    return number - 1

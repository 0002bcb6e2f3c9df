"""How many different values within a sliding window, exactly."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple, cast

from psycopg2.sql import SQL

from auditlog.constants import BASELINE_DAYS
from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import (
    KEYS,
    NOTHING,
    ONE,
    VALUES,
    WINDOW,
    Composable,
    Exempt,
    Statement,
    match,
    span_of,
)
from auditlog.rules.statements.screening import MOMENTS, NOW, Limited, Screen

# A value is in the window from the moment it is seen until one window after it was last
# seen without such a gap. Adding 1 at the start and taking it away just after the end
# counts the different values at every moment: a sweep line instead of a self-join.
_SWEEP: Final = SQL("""
WITH here AS MATERIALIZED (
    SELECT {key} AS key, {value} AS value, occurred_at AS at, network_hash,
        actor_pseudonym
    FROM auditlog_event WHERE {match}
), busy AS MATERIALIZED (
    SELECT key FROM (
        SELECT key, moment.at, total FROM (
            SELECT key, count(value) AS total FROM (
                SELECT key, value, count(*) AS events FROM here GROUP BY 1, 2
            ) AS each
            GROUP BY key HAVING sum(events) >= %(events_at_least)s
        ) AS counted CROSS JOIN ({moments}) AS moment (at)
    ) AS windowed {joins}
    GROUP BY key HAVING max(total) > min({limit})
), matched AS MATERIALIZED (
    SELECT * FROM here WHERE key IN (SELECT key FROM busy)
), stay AS (
    SELECT key, value, min(at) AS at, max(at) + {window} AS until FROM (
        SELECT *, sum(begins) OVER (PARTITION BY key, value ORDER BY at) AS stay FROM (
            SELECT *, (at - lag(at) OVER (PARTITION BY key, value ORDER BY at)
                <= {window}) IS NOT TRUE AS is_start
            FROM matched WHERE value IS NOT NULL
        ) AS seen CROSS JOIN LATERAL (SELECT is_start::int AS begins) AS as_number
    ) AS stays
    GROUP BY key, value, stay
), swept AS (
    SELECT key, at, sum(step) OVER ordered AS total, lead(at) OVER ordered AS next_at
    FROM (SELECT key, at, 1 AS step FROM stay
        UNION ALL SELECT key, until, -1 FROM stay) AS steps
    WINDOW ordered AS (PARTITION BY key ORDER BY at, step DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
), above AS (
    SELECT key, at, total, least(next_at, %(until)s) AS ends
    FROM swept AS windowed {joins}
    WHERE at <= %(until)s AND next_at >= %(fire_from)s AND total > {limit}
), numbered AS (
    SELECT *, coalesce(sum(begins) OVER (PARTITION BY key ORDER BY at, ends), 0)
        AS episode FROM (
        SELECT *, (at - lag(ends) OVER (PARTITION BY key ORDER BY at, ends) > {window}
            )::int AS begins
        FROM above
    ) AS marked
), episode AS (
    SELECT key, min(at) - {window} AS since, max(ends) AS ends, max(total) AS peak
    FROM numbered GROUP BY key, episode
)
SELECT {whose}, min(at), max(at), count(*), jsonb_build_object('distinct', peak)
FROM episode JOIN matched USING (key)
WHERE at BETWEEN since AND ends
GROUP BY key, since, ends, peak
HAVING max(at) >= %(fire_from)s{having}
ORDER BY key, since
""")
_HAVING: Final = SQL("""
    AND count(*) >= %(events_at_least)s
    AND count(*) <= %(events_each_at_most)s * count(DISTINCT value)
    AND count(DISTINCT network_hash) >= %(networks_at_least)s""")
# A session is one person's.
_SESSION: Final = SQL("session_hash")
_WHOSE_SESSION: Final = SQL("(array_agg(actor_pseudonym))[1]")
_KEY: Final = SQL("key")
# Who does so much at all is nearly everybody: it must not be the same all the time.
_FEW: Final = 2
_AS_TEXT: Final = SQL('({value})::text COLLATE "C"')
# On how many accounts strangers fail on the median day of the weeks before.
_ABOVE_USUAL: Final = SQL("""greatest(%(more_than)s, %(times_usual_day)s * (
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY people) FROM (
            SELECT count(DISTINCT actor_pseudonym) AS people
            FROM generate_series(%(usual_since)s::timestamptz,
                %(since)s::timestamptz - interval '1 day', interval '1 day') AS day
            LEFT JOIN auditlog_actorhour ON strangers > 0
                AND hour >= day AND hour < day + interval '1 day'
            GROUP BY day) AS usual))""")


class Same(NamedTuple):
    """A limit that is the same for everybody at every moment."""

    text: Composable
    joins: Composable = NOTHING


_FLAT: Final = Same(SQL("%(more_than)s"))


def value_statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return who had more than so many different values in the window."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    bound["more_than"] = told["more_than"]
    bound["events_at_least"] = told.get("events_at_least", 0)
    bound["events_each_at_most"] = told.get("events_each_at_most", 10_000_000)
    bound["networks_at_least"] = told.get("networks_at_least", 0)
    where = match(told, spec.group, bound)
    is_session = bool(told.get("in_one_session"))
    if is_session:
        where = SQL("{where} AND session_hash IS NOT NULL").format(where=where)
    key = _SESSION if is_session else KEYS[spec.group]
    whose = _WHOSE_SESSION if is_session else _KEY
    value = str(told["value"])
    limit = _FLAT
    if "times_usual_day" in told:
        bound["times_usual_day"] = told["times_usual_day"]
        bound["usual_since"] = bound["since"] - timedelta(days=BASELINE_DAYS)
        limit = Same(_ABOVE_USUAL)
    return Statement(distinct_text(key, where, value, limit=limit, whose=whose), bound)


def screen(spec: RuleSpec, span: Span, exempt: Exempt) -> Screen:
    """Return that there are as many events as different values, or more."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    at_least = cast("int", told.get("events_at_least", 0))
    lowest = max(cast("int", told["more_than"]), at_least - 1)
    events = tuple(sorted(cast("list[str]", told["events"])))
    value = VALUES[str(told["value"])]
    varied = _AS_TEXT.format(value=value) if 0 < lowest <= _FEW else None
    return Screen(events, spec.group, ONE, bound, lowest, varied=varied)


def distinct_text(
    key: Composable,
    where: Composable,
    value: str,
    *,
    limit: Limited = _FLAT,
    whose: Composable = _KEY,
) -> Composable:
    """Return the sweep over the matching events."""
    is_same = isinstance(limit, Same)
    return _SWEEP.format(
        key=key,
        match=where,
        value=VALUES[value],
        window=WINDOW,
        whose=whose,
        limit=limit.text,
        joins=limit.joins,
        having=_HAVING if is_same else NOTHING,
        moments=NOW if is_same else MOMENTS,
    )

"""Low and slow: a little more than usual, day after day (CUSUM; Page, 1954)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from psycopg2.sql import SQL, Identifier

from auditlog.constants import BASELINE_DAYS
from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import (
    NOTHING,
    Exempt,
    Statement,
    in_turn,
    span_of,
)

# What is usual is taken from the days before those that are summed up, so that the
# drift does not become its own measure. One day counts for 4 at most: a single burst is
# another rule's. The sum above its lowest point is the sum that never falls below 0.
# What is usual is kept for the join, in which it would be worked out for each row where
# few people are expected.
_DRIFT: Final = SQL("""
WITH daily AS MATERIALIZED (
    SELECT actor_pseudonym AS key, (hour AT TIME ZONE %(zone)s)::date AS day,
        max(hour) AS last_hour, sum({metric}) AS x, ln(1 + sum({metric})) AS y
    FROM auditlog_actorhour
    WHERE hour BETWEEN %(past)s AND %(until)s{exempt}{in_turn}
    GROUP BY 1, 2 HAVING sum({metric}) > 0
), middle AS MATERIALIZED (
    SELECT key, percentile_cont(0.5) WITHIN GROUP (ORDER BY y) AS median, count(*) AS n
    FROM daily WHERE last_hour < %(walk_from)s
    GROUP BY key HAVING count(*) >= 10
), usual AS MATERIALIZED (
    SELECT key, median, greatest(0.25, 1.4826
        * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(y - median))) AS spread
    FROM daily JOIN middle USING (key) WHERE last_hour < %(walk_from)s
    GROUP BY key, median
), walked AS (
    SELECT key, day, last_hour, x, y > median AS is_above, sum(least(
        (y - median) / spread, 4) - %(slack)s) OVER (PARTITION BY key ORDER BY day)
        AS walk
    FROM daily JOIN usual USING (key) WHERE last_hour >= %(walk_from)s
), summed AS (
    SELECT *, walk - least(0, min(walk) OVER (PARTITION BY key ORDER BY day)) AS cusum,
        sum(x) OVER (PARTITION BY key) AS total,
        min(last_hour) OVER (PARTITION BY key) AS started
    FROM walked
)
SELECT key, min(started), max(last_hour), max(total), jsonb_build_object(
    'cusum', round(max(cusum)::numeric, 1), 'days', count(*))
FROM summed
WHERE cusum >= %(threshold)s AND is_above AND x >= %(at_least)s
    AND last_hour >= %(fire_from)s - interval '1 day'
GROUP BY key ORDER BY key
""")


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return whose days have added up to more than chance would."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    walk_from = span.until - timedelta(days=int(str(told["days"])))
    bound["walk_from"] = min(walk_from, span.since)
    bound["past"] = bound["walk_from"] - timedelta(days=BASELINE_DAYS)
    for name in ("slack", "threshold", "at_least"):
        bound[name] = told[name]
    people = SQL(" AND actor_pseudonym <> ALL(%(exempt_people)s::uuid[])")
    text = _DRIFT.format(
        metric=Identifier(str(told["metric"])),
        exempt=people if exempt.people else NOTHING,
        in_turn=in_turn(exempt.turns, bound),
    )
    return Statement(text, bound)

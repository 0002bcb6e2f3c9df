"""An account that was quiet for long comes back and reads."""

from __future__ import annotations

from typing import Final

from psycopg2.sql import SQL

from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import (
    KEYS,
    ONE,
    RECORDS,
    Exempt,
    Statement,
    match,
    span_of,
)

# The first thing in the window after so long a silence, and what came after it. The
# hours of activity tell the silence. Who was never there is silent since somebody last
# made or changed his account; without that, nobody's first appearance is a return.
# Whoever was seen in the midst of the time of silence is left out at once.
_DORMANT: Final = SQL("""
WITH here AS MATERIALIZED (
    SELECT DISTINCT {key} AS key FROM auditlog_event
    WHERE {match} AND occurred_at >= %(fire_from)s
), quiet AS MATERIALIZED (
    SELECT key FROM here LEFT JOIN LATERAL (
        SELECT hour FROM auditlog_actorhour
        WHERE actor_pseudonym = key
            AND hour > %(until)s::timestamptz - make_interval(days => %(days)s)
            AND hour < date_trunc('hour', %(since)s::timestamptz)
            {was_there}
        ORDER BY hour DESC LIMIT 1
    ) AS seen ON true WHERE hour IS NULL
), back AS (
    SELECT {key} AS key, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
        sum({x}) AS total
    FROM auditlog_event JOIN quiet ON quiet.key = {key} WHERE {match}
    GROUP BY 1 HAVING sum({x}) >= %(at_least)s AND max(occurred_at) >= %(fire_from)s
)
SELECT key, first_at, last_at, total, jsonb_build_object('days',
    floor(extract(epoch FROM first_at - seen.last_hour) / 86400)::int)
FROM back CROSS JOIN LATERAL (
    SELECT coalesce((SELECT max(hour) FROM auditlog_actorhour
        WHERE actor_pseudonym = key AND hour < date_trunc('hour', first_at)
            {was_there}
    ), (SELECT max(occurred_at) FROM auditlog_event
        WHERE category IN ('audit', 'authorization') AND subject_pseudonym = key
            AND occurred_at < first_at)) AS last_hour
) AS seen
WHERE seen.last_hour <= first_at - make_interval(days => %(days)s)
ORDER BY key
""")
# A sign-in that failed may have been anybody's.
_WAS_THERE: Final = SQL(
    "AND (failures = 0 OR queries + records + resources + denials > 0)"
)


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return who came back within the window and did at least so much."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    bound["days"], bound["at_least"] = told["days"], told["at_least"]
    where = match(told, spec.group, bound)
    x = RECORDS if told.get("sum") else ONE
    text = _DORMANT.format(key=KEYS[spec.group], match=where, x=x, was_there=_WAS_THERE)
    return Statement(text, bound)

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
_DORMANT: Final = SQL("""
WITH back AS (
    SELECT {key} AS key, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
        sum({x}) AS total
    FROM auditlog_event WHERE {match}
    GROUP BY 1 HAVING sum({x}) >= %(at_least)s AND max(occurred_at) >= %(fire_from)s
)
SELECT key, first_at, last_at, total, jsonb_build_object('days',
    floor(extract(epoch FROM first_at - seen.last_hour) / 86400)::int)
FROM back CROSS JOIN LATERAL (
    SELECT coalesce((SELECT max(hour) FROM auditlog_actorhour
        WHERE actor_pseudonym = key AND hour < date_trunc('hour', first_at)
            -- A sign-in that failed may have been anybody's.
            AND (failures = 0 OR queries + records + resources + denials > 0)
    ), (SELECT max(occurred_at) FROM auditlog_event
        WHERE category IN ('audit', 'authorization') AND subject_pseudonym = key
            AND occurred_at < first_at)) AS last_hour
) AS seen
WHERE seen.last_hour <= first_at - make_interval(days => %(days)s)
ORDER BY key
""")


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return who came back within the window and did at least so much."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    bound["days"], bound["at_least"] = told["days"], told["at_least"]
    where = match(told, spec.group, bound)
    x = RECORDS if told.get("sum") else ONE
    return Statement(_DORMANT.format(key=KEYS[spec.group], match=where, x=x), bound)

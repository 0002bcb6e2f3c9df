"""A device, network or country that this person was not seen with before."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from psycopg2.sql import SQL

from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import (
    KEYS,
    VALUES,
    Exempt,
    Statement,
    match,
    span_of,
)
from auditlog.rules.statements.origin import WHERE_FROM, where_from

# The past is read only of those who did something in the span.
_FIRST_SEEN: Final = SQL("""
WITH here AS MATERIALIZED (
    SELECT DISTINCT {key} AS key FROM auditlog_event
    WHERE {match} AND occurred_at >= %(fire_from)s AND {value} IS NOT NULL{origin}
), seen AS (
    SELECT key, at, counts,
        lag(at) OVER (PARTITION BY key, value ORDER BY at) AS before,
        rank() OVER (PARTITION BY key ORDER BY at) - 1 AS earlier
    FROM (
        SELECT {key} AS key, occurred_at AS at, {value} AS value,
            occurred_at >= %(fire_from)s{origin} AS counts
        FROM auditlog_event
        WHERE {match} AND {key} IN (SELECT key FROM here)
    ) AS matched
    WHERE value IS NOT NULL
)
SELECT key, min(at), max(at), count(*),
    jsonb_build_object('days', %(days)s, 'earlier', min(earlier))
FROM seen
WHERE counts AND earlier >= %(after_events)s
    AND (at - before <= make_interval(days => %(days)s)) IS NOT TRUE
GROUP BY key, (extract(epoch FROM at - %(fire_from)s)::bigint / 86400)
ORDER BY key, 2
""")


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return who came with a value that was not his in so many days.

    Of whom next to nothing is known yet, everything is new: he is left alone.
    """
    told, bound = spec.parameters, span_of(spec, span, exempt)
    days = told["days"]
    bound["days"] = days
    bound["since"] = span.since - timedelta(days=int(str(days)))
    bound["after_events"] = told.get("after_events", 3)
    # What was before counts wherever it was.
    without = {name: told[name] for name in told if name not in WHERE_FROM}
    where = match(without, spec.group, bound)
    origin = where_from(told, bound)
    value = VALUES[str(told["value"])]
    key = KEYS[spec.group]
    text = _FIRST_SEEN.format(key=key, match=where, value=value, origin=origin)
    return Statement(text, bound)

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

# Whoever has a value now mostly had it just before: that time is a step or two back in
# the index. Only of whom it is new, the past is counted.
_FIRST_SEEN: Final = SQL("""
WITH here AS (
    SELECT key, value, at, counts,
        (at - lag(at) OVER (PARTITION BY key, value ORDER BY at)
            <= make_interval(days => %(days)s)) IS NOT TRUE AS is_first
    FROM (
        SELECT {key} AS key, {value} AS value, occurred_at AS at,
            true{origin} AS counts
        FROM auditlog_event WHERE {match} AND occurred_at >= %(fire_from)s
    ) AS matched WHERE value IS NOT NULL
), fresh AS MATERIALIZED (
    SELECT key, at FROM here LEFT JOIN LATERAL (
        SELECT occurred_at AS before FROM auditlog_event
        WHERE {match} AND {key} = here.key AND {value} = here.value
            AND occurred_at < here.at
            AND occurred_at >= here.at - make_interval(days => %(days)s)
        ORDER BY occurred_at DESC LIMIT 1
    ) AS known ON true
    WHERE is_first AND counts AND before IS NULL
), seen AS (
    SELECT key, at, earlier FROM fresh CROSS JOIN LATERAL (
        SELECT count(*) AS earlier FROM auditlog_event
        WHERE {match} AND {key} = fresh.key AND {value} IS NOT NULL
            AND occurred_at < fresh.at
    ) AS counted
)
SELECT key, min(at), max(at), count(*),
    jsonb_build_object('days', %(days)s, 'earlier', min(earlier))
FROM seen WHERE earlier >= %(after_events)s
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

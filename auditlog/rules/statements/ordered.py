"""First this, then that, of the same person or network within the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from psycopg2.sql import SQL

from auditlog.constants import RuleGroup
from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import (
    KEYS,
    NOTHING,
    ONE,
    RECORDS,
    VALUES,
    WINDOW,
    Composable,
    Exempt,
    Statement,
    match,
    span_of,
)
from auditlog.rules.statements.screening import Screen
from chatsec.core.errors import Json

# Two passes over what belongs to keys that have enough of the first: how many of the
# first lie in the window that ends with each row, and how much of the second has come
# since there were enough.
_ORDERED: Final = SQL("""
WITH opened AS MATERIALIZED (
    SELECT {first_key} AS key, {first_value} AS value, occurred_at AS at
    FROM auditlog_event WHERE {first_match}
), busy AS MATERIALIZED (
    SELECT key FROM opened GROUP BY key HAVING count({counted}) >= %(first_at_least)s
), happened AS (
    SELECT key, at, true AS is_first,
        ((at - lag(at) OVER (PARTITION BY key, value ORDER BY at) <= {window})
            IS NOT TRUE AND value IS NOT NULL)::int AS new, 0 AS x
    FROM opened WHERE key IN (SELECT key FROM busy)
    UNION ALL
    SELECT {then_key}, occurred_at, false, 0, {then_x} FROM auditlog_event
    WHERE {then_match}{is_busy}
), enough AS (
    SELECT key, at, x, started FROM (
        SELECT key, at, x, is_first, sum({adds}) OVER sliding AS firsts,
            min(at) FILTER (WHERE is_first) OVER sliding AS started
        FROM happened WINDOW sliding AS (PARTITION BY key ORDER BY at
            RANGE BETWEEN {window} PRECEDING AND CURRENT ROW)
    ) AS counted
    WHERE NOT is_first AND firsts >= %(first_at_least)s
), crossing AS (
    SELECT * FROM (
        SELECT key, at, x, started, sum(x) OVER (PARTITION BY key ORDER BY at
            RANGE BETWEEN {window} PRECEDING AND CURRENT ROW) AS total
        FROM enough
    ) AS summed
    WHERE total >= %(then_at_least)s AND at >= %(fire_from)s
), numbered AS (
    SELECT *, coalesce(sum(begins) OVER (PARTITION BY key ORDER BY at), 0)
        AS episode FROM (
        SELECT *, (started > lag(at) OVER (PARTITION BY key ORDER BY at) + {window}
            )::int AS begins
        FROM crossing
    ) AS marked
)
SELECT key, min(started), max(at), max(total), jsonb_build_object('then', max(total))
FROM numbered GROUP BY key, episode ORDER BY key, episode
""")
_IS_BUSY: Final = SQL(" AND {} IN (SELECT key FROM busy)")


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return of whom the second thing happened after enough of the first."""
    bound = span_of(spec, span, exempt)
    first = cast("Mapping[str, Json]", spec.parameters["first"])
    then = cast("Mapping[str, Json]", spec.parameters["then"])
    bound["first_at_least"] = first.get("at_least", 1)
    bound["then_at_least"] = then.get("at_least", 1)
    value = first.get("distinct")
    text = _ORDERED.format(
        window=WINDOW,
        first_key=_key(first),
        then_key=_key(then),
        first_match=match(first, _group(first), bound, step="first_"),
        # Whoever was screened is named by the match.
        is_busy=NOTHING if exempt.among is not None else _IS_BUSY.format(_key(then)),
        then_match=match(then, _group(then), bound, step="then_"),
        first_value=VALUES[str(value)] if value else SQL("NULL::text"),
        counted=SQL("DISTINCT value") if value else SQL("*"),
        adds=SQL("new") if value else SQL("is_first::int"),
        then_x=RECORDS if then.get("sum") else ONE,
    )
    return Statement(text, bound)


def screen(spec: RuleSpec, span: Span, exempt: Exempt) -> Screen:
    """Return that there has to be enough of the first."""
    bound = span_of(spec, span, exempt)
    first = cast("Mapping[str, Json]", spec.parameters["first"])
    events = tuple(sorted(cast("list[str]", first["events"])))
    lowest = cast("int", first.get("at_least", 1)) - 1
    return Screen(events, _group(first), ONE, bound, lowest, ends_now=False)


def _group(step: Mapping[str, Json]) -> RuleGroup:
    return cast("RuleGroup", step["by"])


def _key(step: Mapping[str, Json]) -> Composable:
    return KEYS[_group(step)]

"""Days that are unlike a person's own past, more than others' are unlike theirs."""

from __future__ import annotations

from typing import Final

from psycopg2.sql import SQL

from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import NOTHING, Exempt, Statement, span_of

# A day's rank among all days, as -log2 of the share that is at least so surprising. One
# day in 50 is counted; what lies beyond falls off exponentially (peaks over a
# threshold: Pickands, 1975). Days are judged after the events, by the hour.
_SURPRISE: Final = SQL("""
WITH scale AS MATERIALIZED (
    SELECT aspect, days, exceeded, excess * ln(2.0::float) AS a_bit,
        exceeded + (%(bits)s - log(2.0, 50)::float) * excess * ln(2.0::float) AS x
    FROM auditlog_surprisescale
    WHERE days = ANY(%(spans)s) AND aspect = ANY(%(aspects)s)
), enough AS MATERIALIZED (
    SELECT days, min(x) FILTER (WHERE aspect = 'reads') AS reads,
        min(x) FILTER (WHERE aspect = 'refusals') AS refusals,
        min(x) FILTER (WHERE aspect = 'hours') AS hours,
        min(x) FILTER (WHERE aspect = 'acts') AS acts
    FROM scale GROUP BY 1
), found AS MATERIALIZED (
    SELECT kept.* FROM auditlog_actorsurprise AS kept JOIN enough USING (days)
    WHERE last_at BETWEEN %(fire_from)s - interval '2 hours' AND %(until)s{exempt}
        AND (kept.reads >= enough.reads OR kept.refusals >= enough.refusals
            OR kept.hours >= enough.hours OR kept.acts >= enough.acts)
), highest AS (
    SELECT DISTINCT ON (actor_pseudonym, day) actor_pseudonym AS key, found.day,
        found.days, last_at, aspect, log(2.0, 50)::float + (of.x - exceeded) / a_bit
        AS bits
    FROM found CROSS JOIN LATERAL (VALUES ('reads', reads), ('refusals', refusals),
        ('hours', hours), ('acts', acts)) AS of (aspect, x)
    JOIN scale USING (aspect, days)
    WHERE of.x >= scale.x
    ORDER BY actor_pseudonym, found.day, bits DESC
)
SELECT key, (day - days + 1)::timestamp AT TIME ZONE %(zone)s, last_at, round(bits),
    jsonb_build_object('bits', round(bits::numeric, 1), 'of', aspect, 'days', days)
FROM highest ORDER BY key, day
""")


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return whose day, or days up to it, were more surprising than so many bits."""
    told, bound = spec.parameters, span_of(spec, span, exempt)
    bound.update(spans=told["days"], aspects=told["of"], bits=told["bits"])
    parts = []
    if exempt.people:
        parts.append(SQL(" AND actor_pseudonym <> ALL(%(exempt_people)s::uuid[])"))
    if "service" in exempt.kinds:
        parts.append(SQL(" AND NOT is_program"))
    if "user" in exempt.kinds:
        parts.append(SQL(" AND is_program"))
    text = _SURPRISE.format(exempt=SQL("").join(parts) if parts else NOTHING)
    return Statement(text, bound)

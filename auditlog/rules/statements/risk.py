"""Weak signs that mean something together: they add up and fade within a day."""

from __future__ import annotations

from typing import Final

from psycopg2.sql import SQL

from auditlog.constants import RISK_WINDOW
from auditlog.rules.definition import RuleSpec, Span
from auditlog.rules.statements.common import Exempt, Statement, span_of

# Each rule counts once a person: the same weak sign many times is still one. At each
# sign the others have faded by their age; the highest moment in the span decides.
_RISK: Final = SQL("""
WITH fading AS (
    SELECT moment.actor_pseudonym AS key, moment.last_at AS at, sum(sign.weight
        * (1 - extract(epoch FROM moment.last_at - sign.last_at) / %(fades)s)) AS score,
        min(sign.first_at) AS first_at,
        jsonb_object_agg(sign.rule, sign.weight) AS signs
    FROM auditlog_risksignal AS moment JOIN auditlog_risksignal AS sign
        ON sign.actor_pseudonym = moment.actor_pseudonym
        AND sign.last_at <= moment.last_at
        AND sign.last_at > moment.last_at - make_interval(secs => %(fades)s)
    WHERE moment.last_at BETWEEN %(fire_from)s AND %(until)s{exempt}
    GROUP BY moment.id
), highest AS (
    SELECT DISTINCT ON (key) * FROM fading WHERE score >= %(at_least)s
    ORDER BY key, score DESC, at DESC
)
SELECT key, first_at, at, round(score), signs FROM highest ORDER BY key
""")


def statement(spec: RuleSpec, span: Span, exempt: Exempt) -> Statement:
    """Return whose weak signs add up to at least so much."""
    bound = span_of(spec, span, exempt)
    bound["at_least"] = spec.parameters["at_least"]
    bound["fades"] = RISK_WINDOW.total_seconds()
    people = SQL(" AND moment.actor_pseudonym <> ALL(%(exempt_people)s::uuid[])")
    return Statement(_RISK.format(exempt=people if exempt.people else SQL("")), bound)

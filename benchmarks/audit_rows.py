"""Many events at once, as rows of the event table, made by the server itself."""

from __future__ import annotations

import time
from typing import Any, Final

from benchmarks.measure import say

# So many in one transaction: the sealer takes whole transactions.
AT_ONCE: Final = 500
ACTORS: Final = 5_000
_MAKE: Final = """
    INSERT INTO auditlog_event (event_id, category, occurred_at, event_type, severity,
        outcome, actor_kind, actor_pseudonym, channel, session_hash, ip_hash,
        request_id, resource_type, resource_id, classification, result_count, details,
        expires_at, schema_version, network_hash, device_hash, country)
    SELECT audit_new_event_id(), kind.category, moment, kind.event_type, 'info',
        CASE WHEN n %% 20 = 0 THEN 'denied' ELSE 'success' END, 'user',
        md5('actor' || (n * 7919) %% %(actors)s)::uuid, 'api',
        decode(md5('s' || n / 50), 'hex'), decode(md5('i' || n %% 4000), 'hex'),
        gen_random_uuid()::text, 'sales_records', (n %% 1000)::text, 'internal',
        n %% 50,
        decode(repeat(md5(n::text), 11), 'hex'), moment + kind.kept, 2,
        decode(md5('n' || n %% 900), 'hex'), decode(md5('d' || n %% 9000), 'hex'), 'IS'
    FROM generate_series(%(first)s::bigint, %(last)s) AS n,
        LATERAL (SELECT clock_timestamp() - %(span)s::interval
            * (1 - n::float / %(total)s) AS moment) AS at,
        LATERAL (SELECT * FROM (VALUES
            ('access', 'chatbot_query', interval '90 days'),
            ('authorization', 'authorization_check', interval '2555 days'),
            ('data_access', 'data_access', interval '2555 days'),
            ('security', 'sign_in', interval '730 days')
        ) AS k (category, event_type, kept) OFFSET n %% 4 LIMIT 1) AS kind
"""


def make_events(count: int, *, span: str) -> None:
    """Have `count` events of the last `span`, in the order of their times."""
    from django.db import connections  # noqa: PLC0415 - the settings are chosen by now

    began = time.perf_counter()
    named: dict[str, Any] = {"actors": ACTORS, "span": span, "total": count}
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(
            "SELECT audit_ensure_partitions((now() - %s::interval)::date, 6)", [span]
        )
        for first in range(1, count + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, count)
            cursor.execute(_MAKE, {**named, "first": first, "last": last})
        # As autovacuum leaves them: statistics, and summaries of the newest pages.
        cursor.execute("VACUUM (ANALYZE) auditlog_event")
    say(f"\n{count} events made in {time.perf_counter() - began:.0f} s")

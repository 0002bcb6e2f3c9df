"""What a scan costs: all rules over a day of a million events, against counting.

The baseline is what the reference chapter prints: fetch the denials of the last hour
and the questions of the last day, and count them by user in Python, not yet decrypted.
Both look at the same rows of an embedded server that is thrown away afterwards.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

ROUNDS = 7
EVENTS = int(os.environ.get("RULE_SCAN_EVENTS", "1000000"))
PEOPLE = 5000
PROJECT = Path(__file__).resolve().parent.parent
# Work hours are busier; a hundredth of the people ask a tenth of everything.
_FILL = """
INSERT INTO auditlog_event (event_id, category, occurred_at, event_type, severity,
    outcome, actor_kind, actor_pseudonym, subject_pseudonym, channel, session_hash,
    ip_hash, request_id, resource_type, resource_id, classification, result_count,
    details, expires_at, schema_version, network_hash, device_hash, country)
SELECT gen_random_uuid(), kind.category, at, kind.name, 'info', kind.outcome,
    CASE WHEN kind.name = 'accounts.sign_in_failed' THEN 'anonymous' ELSE 'user' END,
    CASE WHEN kind.name <> 'accounts.sign_in_failed' THEN person END,
    CASE WHEN kind.category = 'security' OR kind.name = 'accounts.signed_in'
        THEN person END,
    'api', decode(md5(who || 'session'), 'hex'), decode(md5(who || 'ip'), 'hex'),
    md5(n::text), kind.resource, kind.resource || n %% 17, 'internal',
    CASE WHEN kind.category = 'data_access' THEN n %% 40 END,
    decode(repeat(md5(n::text), 6), 'hex'), at + interval '60 days', 2,
    decode(md5((who / 40)::text), 'hex'), decode(md5(who || 'device'), 'hex'),
    CASE WHEN who %% 50 = 0 THEN 'FR' ELSE 'DE' END
FROM generate_series(1, %(events)s) AS n
CROSS JOIN LATERAL (SELECT CASE WHEN n %% 10 = 0 THEN n / 10 %% 50
    ELSE abs(hashint4(n)::bigint) %% %(people)s END AS who) AS actor
CROSS JOIN LATERAL (SELECT md5(who::text)::uuid AS person,
    %(until)s - interval '1 day' * power(random(), 1.3) AS at) AS of
CROSS JOIN LATERAL (SELECT abs(hashint4(n + 7)::bigint) %% 1000 AS dice) AS thrown
JOIN LATERAL (VALUES
    (0, 400, 'access', 'chatbot_query', 'success', ''),
    (400, 700, 'authorization', 'authorization_check', 'success', ''),
    (700, 960, 'data_access', 'data_access', 'success', 'sales_records'),
    (960, 966, 'authorization', 'authorization_denied', 'denied', 'rbac.permission'),
    (966, 986, 'access', 'accounts.signed_in', 'success', 'accounts.session'),
    (986, 991, 'security', 'accounts.sign_in_failed', 'failure', 'accounts.user'),
    (991, 999, 'audit', 'auditlog.events_read', 'success', ''),
    (999, 1000, 'security', 'chat.message_blocked', 'denied', '')
) AS kind (low, high, category, name, outcome, resource)
    ON dice >= kind.low AND dice < kind.high
ORDER BY at
"""
_HABITS = """
INSERT INTO auditlog_actorhour
    (actor_pseudonym, hour, queries, records, resources, denials, failures)
SELECT md5(who::text)::uuid, date_trunc('day', %(until)s::timestamptz)
    - day * interval '1 day' + hour * interval '1 hour', 8 + (who + hour) %% 9,
    60 + (who * hour) %% 90, 4 + who %% 4, (who + day) %% 40 / 39, 0
FROM generate_series(0, %(people)s - 1) AS who, generate_series(1, 30) AS day,
    generate_series(8, 17) AS hour
"""
# Whose keys are gone counts as erased, and has no habits.
_PSEUDONYMS = """
UPDATE privacy_subjectkey SET pseudonym = md5(who::text)::uuid
FROM generate_series(0, %(people)s - 1) AS who
WHERE subject_id = md5('subject ' || who)::uuid
"""


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    parent = Path(tempfile.mkdtemp(prefix="cb-"))
    # The server may run as another account, which has to get there.
    parent.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    env = {
        **kept,
        "CHATSEC_DATA_DIR": str(parent / "data"),
        "CHATSEC_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "chatsec.settings",
    }
    program = [sys.executable, "-m", "benchmarks.rule_scan"]
    try:
        subprocess.run(program, cwd=PROJECT, env=env, check=True)  # noqa: S603 - this very module
    finally:
        # Stopped before its files go: a server without files is stopped by nobody.
        stop = [sys.executable, "-m", "chatsec.embedded", "stop", str(parent / "data")]
        subprocess.run(stop, cwd=PROJECT, env=env, check=False)  # noqa: S603 - our own
        shutil.rmtree(parent, ignore_errors=True)


def _measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from auditlog.services.detection.engine import effective_rules
    from benchmarks.measure import interleaved, report, say

    call_command("migrate", verbosity=0, skip_checks=True)
    now = timezone.now()
    _fill(now)
    rules = effective_rules()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    say(f"{EVENTS} events of a day, {PEOPLE} people, {len(rules)} rules")
    say(f"{cores} cores, load {load:.1f}")
    _settle(now)
    contenders = {
        "the chapter's 2 rules, counted in Python": lambda: _count_in_python(now),
        "the floor's 4 rules, in SQL": lambda: _scan(now, floor_only=True),
        "all rules, in SQL": lambda: _scan(now, floor_only=False),
    }
    samples = interleaved(contenders, rounds=ROUNDS)
    report("scan", samples, baseline="the chapter's 2 rules, counted in Python")
    for name, took in _slowest():
        say(f"  {name:40} {took:7.1f} ms")


def _fill(now: datetime) -> None:
    from django.db import connection

    from auditlog.services.detection import refresh_baselines
    from auditlog.services.partitions import ensure_partitions

    ensure_partitions(since=(now - timedelta(days=40)).date())
    values: dict[str, int | datetime] = {
        "events": EVENTS,
        "people": PEOPLE,
        "until": now,
    }
    _make_people()
    with connection.cursor() as cursor:
        cursor.execute(_FILL, values)
        cursor.execute(_HABITS, values)
        cursor.execute("VACUUM ANALYZE auditlog_event")
        cursor.execute("VACUUM ANALYZE auditlog_actorhour")
        refresh_baselines(now=now, at_once="now")
        cursor.execute("ANALYZE auditlog_actorbaseline")


def _make_people() -> None:
    from hashlib import md5
    from uuid import UUID

    from django.db import connection

    from chatsec.core.crypto import subject_keys
    from privacy.services.keys import forget_cached_keys

    for who in range(PEOPLE):
        name = f"subject {who}".encode()
        digest = md5(name, usedforsecurity=False).hexdigest()
        subject_keys().pseudonym(UUID(digest))
    with connection.cursor() as cursor:
        cursor.execute(_PSEUDONYMS, {"people": PEOPLE})
    forget_cached_keys()


def _settle(now: datetime) -> None:
    """Let every rule open its alerts once: what follows is what each minute costs."""
    from auditlog.services.detection import run_rules
    from benchmarks.measure import say

    began = time.perf_counter()
    alerts = run_rules(now=now)
    took = time.perf_counter() - began
    say(f"first scan: {len(alerts)} alerts in {took:.2f} s")


def _scan(now: datetime, *, floor_only: bool) -> None:
    from auditlog.rules import FLOOR
    from auditlog.services.detection import run_rules

    run_rules(now=now, rules=list(FLOOR.values()) if floor_only else None)


def _count_in_python(now: datetime) -> None:
    from django.db import connection

    text = (
        "SELECT actor_pseudonym, event_type FROM auditlog_event"
        " WHERE category = %s AND event_type = %s AND occurred_at BETWEEN %s AND %s"
    )
    suspects = []
    with connection.cursor() as cursor:
        for category, name, hours, limit in (
            ("authorization", "authorization_denied", 1, 10),
            ("access", "chatbot_query", 24, 1000),
        ):
            since = now - timedelta(hours=hours)
            cursor.execute(text, [category, name, since, now])
            counts = Counter(row[0] for row in cursor.fetchall())
            suspects += [who for who, count in counts.items() if count > limit]


def _slowest() -> list[tuple[str, float]]:
    from auditlog.models import RuleRun

    rows = RuleRun.objects.order_by("-took_ms").values_list("rule", "took_ms")
    return list(rows[:12])


if __name__ == "__main__":
    _measure()

"""What a scan costs: all rules over a day of a million events, against counting.

The baseline is what the reference chapter prints: fetch the denials of the last hour
and the questions of the last day, and count them by user in Python, not yet decrypted.
Both look at the same rows of an embedded server that is thrown away afterwards.

A minute looks for what ended in the last 16 minutes, over windows of up to days; what
compares hours is asked of a sixtieth of the people. All minutes of an hour are scanned
one after the other: the middle one is the usual one, and the dearest is the one that
took longest in the middle of several hours. After a day without scans the whole of it
is looked through.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from benchmarks import own_engines

ROUNDS = 7
HOURS = 3
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVENTS = int(os.environ.get("RULE_SCAN_EVENTS", "1000000"))
PEOPLE = 5000
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
    decode(md5(CASE WHEN n %% 5000 = 1 THEN n || 'journey' ELSE (who / 40)::text END),
        'hex'),
    decode(md5(who || 'device'), 'hex'),
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
-- As they come to lie there, hour by hour.
ORDER BY day DESC, hour, random()
"""
_PLACES = """
INSERT INTO auditlog_knownplace (actor_pseudonym, network_hash, first_at, last_at)
SELECT md5(who::text)::uuid, decode(md5((who / 40)::text), 'hex'),
    %(until)s - interval '25 days', %(until)s - interval '1 day'
FROM generate_series(0, %(people)s - 1) AS who
"""
_SURPRISE = """
INSERT INTO auditlog_actorsurprise
    (actor_pseudonym, day, days, reads, refusals, hours, is_program, last_at)
SELECT md5(who::text)::uuid, (%(until)s::timestamptz - day * interval '1 day')::date,
    span, who %% 97 / 6.0, who %% 31 / 5.0, who %% 61 / 3.0, false,
    %(until)s::timestamptz - day * interval '1 day' - who * interval '1 second'
FROM generate_series(0, %(people)s - 1) AS who, generate_series(0, 28) AS day,
    (VALUES (1), (3), (7)) AS spans (span)
ON CONFLICT DO NOTHING
"""
# Whose keys are gone counts as erased, and has no habits.
_PSEUDONYMS = """
UPDATE privacy_subjectkey SET pseudonym = md5(who::text)::uuid
FROM generate_series(0, %(people)s - 1) AS who
WHERE subject_id = md5('subject ' || who)::uuid
"""


class Cost(NamedTuple):
    """What a scan took, and what the server spent on it."""

    seconds: float
    cpu: float


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.rule_scan")


def _measure() -> None:
    own_engines.prepare()
    from django.utils import timezone

    from auditlog.services.detection.engine import effective_rules
    from benchmarks.measure import interleaved, report, say
    from benchmarks.server_seconds import ServerSeconds

    now = timezone.now()
    _fill(now)
    rules = effective_rules()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    say(f"{EVENTS} events of a day, {PEOPLE} people, {len(rules)} rules")
    say(f"{cores} cores, load {load:.1f}")
    _settle(now)
    counted = "the chapter's 2 rules, counted in Python"
    contenders = {
        counted: lambda: _count_in_python(now),
        "the floor's 4 rules, in SQL": lambda: _scan(now, MINUTE, floor_only=True),
        "all rules, in one minute": lambda: _scan(now, MINUTE),
    }
    server = ServerSeconds()
    measured = {name: server.of(name, work) for name, work in contenders.items()}
    samples = interleaved(measured, rounds=ROUNDS)
    # Half a minute each time, and rare.
    late = "all rules, after a day without"
    samples |= interleaved({late: server.of(late, lambda: _scan(now, DAY))}, rounds=1)
    report("scan", samples, baseline=counted)
    for name, seconds in server.medians().items():
        say(f"  {name:<44} {seconds:>6.2f} s of CPU in the server")
    _say_minutes(now)
    _scan(now, MINUTE)
    for kind, count, ms in _by_kind():
        say(f"  {kind:<20} {count:>3} rules {ms:>8.1f} ms")
    for name, took in _slowest():
        say(f"  {name:<44} {took:>8.1f} ms")


def _fill(now: datetime) -> None:
    from django.db import connection

    from auditlog.services.detection import refresh_baselines
    from auditlog.services.detection.places import keep_places
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
        cursor.execute(_PLACES, values)
        cursor.execute("VACUUM ANALYZE auditlog_event")
        cursor.execute("VACUUM ANALYZE auditlog_actorhour")
        refresh_baselines(now=now, at_once="now")
        keep_places(now=now)
        cursor.execute("VACUUM ANALYZE auditlog_actorbaseline")
        cursor.execute("VACUUM ANALYZE auditlog_knownplace")
        cursor.execute(_SURPRISE, values)
        cursor.execute("VACUUM ANALYZE auditlog_actorsurprise")


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


def _scan(now: datetime, ago: timedelta, *, floor_only: bool = False) -> None:
    """Scan as if the last time was so long ago."""
    from auditlog.models import RuleRun
    from auditlog.rules import FLOOR
    from auditlog.services.detection import run_rules

    RuleRun.objects.update(scanned_until=now - ago)
    run_rules(now=now, rules=list(FLOOR.values()) if floor_only else None)


def _say_minutes(now: datetime) -> None:
    """Scan the minutes of the last hour in turn; say what one and the dearest cost."""
    from benchmarks.measure import say

    minutes = [now - number * MINUTE for number in reversed(range(60))]
    costs: dict[datetime, list[Cost]] = {minute: [] for minute in minutes}
    for _ in range(HOURS):
        for minute, cost in zip(minutes, _an_hour(minutes), strict=True):
            costs[minute].append(cost)
    middle = {at: Cost(*map(median, zip(*of, strict=True))) for at, of in costs.items()}
    usual = Cost(*map(median, zip(*middle.values(), strict=True)))
    dearest = max(minutes, key=lambda at: middle[at].seconds)
    say(f"\nall rules, minute by minute  (load {os.getloadavg()[0]:.1f})")
    for name, cost in (
        ("the usual minute of an hour", usual),
        (f"the dearest, the hour's {dearest.minute}.", middle[dearest]),
    ):
        times = cost.seconds / usual.seconds
        say(
            f"  {name:<34} {cost.seconds:>6.2f} s   x{times:.2f}   {cost.cpu:.2f} s CPU"
        )
    most = max(cost.cpu for cost in middle.values())
    say(f"  {'the most CPU of any minute':<34} {'':>16}   {most:.2f} s CPU")


def _an_hour(minutes: list[datetime]) -> Iterator[Cost]:
    """Scan each of the minutes, and yield what it cost."""
    from auditlog.models import RuleRun
    from auditlog.services.detection import run_rules
    from benchmarks.server_seconds import ServerSeconds

    RuleRun.objects.update(scanned_until=minutes[0] - MINUTE)
    server = ServerSeconds()
    for minute in minutes:
        spent, began = server.so_far(), time.perf_counter()
        run_rules(now=minute)
        took = time.perf_counter() - began
        yield Cost(took, server.so_far() - spent)


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


def _by_kind() -> list[tuple[str, int, float]]:
    from auditlog.models import RuleRun
    from auditlog.services.detection.engine import effective_rules

    took = dict(RuleRun.objects.values_list("rule", "took_ms"))
    kinds: dict[str, list[float]] = {}
    for spec in effective_rules():
        kinds.setdefault(spec.kind, []).append(took[spec.name])
    rows = [(kind, len(each), sum(each)) for kind, each in kinds.items()]
    return sorted(rows, key=lambda row: -row[2])


def _slowest() -> list[tuple[str, float]]:
    from auditlog.models import RuleRun

    rows = RuleRun.objects.order_by("-took_ms").values_list("rule", "took_ms")
    return list(rows[:12])


if __name__ == "__main__":
    _measure()

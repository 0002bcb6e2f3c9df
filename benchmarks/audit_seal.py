"""How fast events are sealed and verified: `AUDIT_EVENTS` of them (default 1,000,000).

Sealing is one process, as it is in production. Verification is one process and then as
many as there are cores; the baseline is hashing every row in Python.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from io import StringIO
from typing import Final

from benchmarks import own_engines
from benchmarks.audit_rows import make_events
from benchmarks.measure import say

EVENTS: Final = int(os.environ.get("AUDIT_EVENTS", "1000000"))
SAMPLE: Final = 20_000


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.audit_seal")


def _measure() -> None:
    own_engines.prepare()
    make_events(EVENTS, span="20 hours")
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    _timed("hashed in Python (baseline)", SAMPLE, _hash_in_python)
    _timed("sealed", EVENTS, _seal)
    _timed("seal storage, bytes an event", EVENTS, _size)
    _timed("verified, 1 process", EVENTS, lambda: _verify(1))
    processes = os.cpu_count() or 1
    _timed(f"verified, {processes} processes", EVENTS, lambda: _verify(processes))
    _timed("chain and signatures alone", EVENTS, _walk)


def _timed(title: str, count: int, work: Callable[[], str | None]) -> None:
    from benchmarks.server_seconds import ServerSeconds

    server = ServerSeconds()
    cpu, spent, began = _cpu(), server.so_far(), time.perf_counter()
    said = work() or ""
    took = time.perf_counter() - began
    say(
        f"  {title:<32} {took:>8.2f} s {count / took:>12,.0f} events/s"
        f"  CPU here {_cpu() - cpu:.1f} s, server {server.so_far() - spent:.1f} s"
        f"  {said}"
    )


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, -1)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _hash_in_python() -> None:
    from auditlog.models import Event
    from auditlog.proofs import canonical

    rows = Event.objects.values_list(*canonical.COLUMNS)[:SAMPLE]
    for row in rows.iterator(chunk_size=5_000):
        plain = [bytes(v) if isinstance(v, memoryview) else v for v in row]
        canonical.leaf(plain)


def _seal() -> str:
    from auditlog.services.sealer import seal_pending

    return f"in {len(seal_pending())} seals"


def _size() -> str:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size('auditlog_seal'), sum(pg_total_relation_size"
            "(relid)) FROM pg_partition_tree('auditlog_event') WHERE isleaf"
        )
        seals, events = cursor.fetchone()
    share = seals / float(events)
    return f"{seals / EVENTS:.0f} of {float(events) / EVENTS:.0f} ({share:.1%})"


def _verify(processes: int) -> str:
    from django.core.management import call_command

    said = StringIO()
    call_command("audit_verify", workers=processes, stdout=said, stderr=StringIO())
    return said.getvalue().strip()


def _walk() -> str:
    from auditlog.services.verification import walk_chain

    return f"{walk_chain().report.seals} seals"


if __name__ == "__main__":
    _measure()

"""Eight writers at once: alone, beside the sealer, and with a hash chain instead.

The chain is what a log without batches does: each event hashes the one before it, under
a lock, so that writers wait for each other's commits.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

from benchmarks import own_engines
from benchmarks.measure import say

WRITERS: Final = 8
# Long enough that nearly all that is written meanwhile is sealed meanwhile.
SECONDS: Final = 10.0
ROUNDS: Final = 5
CHAIN: Final = """
    CREATE TABLE IF NOT EXISTS benchmark_chain
        (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, head bytea);
    GRANT SELECT, INSERT ON benchmark_chain TO PUBLIC;
"""
NEWEST: Final = "SELECT head FROM benchmark_chain ORDER BY id DESC LIMIT 1"
IN_TURN: Final = "SELECT pg_advisory_xact_lock(hashtext('benchmark chain'))"


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.audit_writers")


def _measure() -> None:
    own_engines.prepare()
    from django.db import connections

    from benchmarks.server_seconds import ServerSeconds

    with connections["owner"].cursor() as cursor:
        cursor.execute(CHAIN)
    connections.close_all()
    ways: dict[str, tuple[Callable[[], None], bool]] = {
        "8 writers": (_write, False),
        "8 writers and the sealer": (_write, True),
        "8 writers, each event in a chain": (_write_in_turn, False),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (write, sealed) in ways.items():
            rates[name].append(_rate(write, sealed=sealed))
    base = median(rates["8 writers"])
    say(f"\nevents a second  ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},")
    say(f"  server {ServerSeconds().so_far():.0f} CPU s in all)")
    for name, found in rates.items():
        middle = median(found)
        say(f"  {name:<36} {middle:>8.0f}/s   x{middle / base:.2f}")


def _rate(write: Callable[[], None], *, sealed: bool) -> float:
    """Return events a second of all writers, for a few seconds."""
    from django.db import connections

    from auditlog.services.sealer import seal_pending

    # What others have left is not what these writers cost the sealer.
    seal_pending()
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    written = fork.Value("l", 0)
    ends_at = time.monotonic() + SECONDS
    workers = [
        fork.Process(target=_until, args=(ends_at, write, written))
        for _ in range(WRITERS)
    ]
    if sealed:
        workers.append(fork.Process(target=_seal_until, args=(ends_at,)))
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    return int(written.value) / SECONDS


def _until(ends_at: float, write: Callable[[], None], written: Any) -> None:
    count = 0
    while time.monotonic() < ends_at:
        write()
        count += 1
    with written.get_lock():
        written.value += count


def _seal_until(ends_at: float) -> None:
    from auditlog.services.sealer import seal_pending

    while (left := ends_at - time.monotonic()) > 0:
        seal_pending()
        time.sleep(min(1.0, left))


def _write() -> None:
    from auditlog import events
    from auditlog.services import record

    record(events.DATA_ACCESS, details={"action": "read"}, result_count=1)


def _write_in_turn() -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(IN_TURN)
        cursor.execute(NEWEST)
        row = cursor.fetchone()
        before = bytes(row[0]) if row else b""
        head = hashlib.sha256(before + os.urandom(16)).digest()
        cursor.execute("INSERT INTO benchmark_chain (head) VALUES (%s)", [head])
        _write()


if __name__ == "__main__":
    _measure()

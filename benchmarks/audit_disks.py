"""What evidence costs on disks of other speeds than this machine's.

An event costs the same work everywhere; what it costs beside a plain save is decided
by how long the disk takes to say that a commit is safe: 0.1 ms where it has a battery,
some milliseconds where it has none or is reached over a network. So the server is told
to wait so much longer before it writes (`commit_delay`).
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from time import perf_counter_ns, sleep
from typing import Final

from benchmarks import own_engines
from benchmarks.audit_saves import DJANGOS, ONE, OURS, measured, pooled, prepared
from benchmarks.measure import say

SLOWER_US: Final = (0, 500, 1000, 2500, 5000)
BLOCK: Final = b"\0" * 8192


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.audit_disks")


def _measure() -> None:
    with prepared() as contenders:
        wanted = {name: contenders[name] for name in (DJANGOS, OURS, ONE)}
        load = os.getloadavg()[0]
        say(f"\naudited save, durable  ({os.cpu_count()} cores, load {load:.1f})")
        say(f"  this disk takes {_sync_us():.0f} us to sync 8 kB")
        for slower in SLOWER_US:
            _set_server(commit_siblings="0", commit_delay=str(slower))
            taken = measured(wanted, rounds=60, pairs=4)
            plain, ours, audited = (median(each) for each in pooled(taken).values())
            say(
                f"  {slower / 1000:>4.1f} ms slower: {OURS} {ours / 1e6:>5.2f} ms,"
                f" {ONE} {audited / 1e6:>5.2f} ms: x{audited / ours:.2f},"
                f" to Django's own engine x{audited / plain:.2f}"
            )


def _sync_us() -> float:
    """Return what a commit waits for at least, in microseconds."""
    path = Path(os.environ["CHATSEC_DATA_DIR"]) / "sync"
    taken = []
    with path.open("wb", buffering=0) as file:
        file.write(BLOCK)
        for _ in range(300):
            file.seek(0)
            file.write(BLOCK)
            began = perf_counter_ns()
            os.fdatasync(file.fileno())
            taken.append(perf_counter_ns() - began)
    path.unlink()
    return median(taken) / 1000


def _set_server(**settings: str) -> None:
    """Have every connection go by these settings, from a moment later on."""
    with own_engines.superuser() as cursor:
        for name, value in settings.items():
            cursor.execute(f"ALTER SYSTEM SET {name} = {value}")
        cursor.execute("SELECT pg_reload_conf()")
    sleep(0.5)


if __name__ == "__main__":
    _measure()

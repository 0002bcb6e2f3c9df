"""What a million people cost the cache of entries, and that it keeps to its limit.

Measured as this process's resident memory in a fresh process; 1,000 roles five deep of
2,000 permissions, two roles a person. Once with every pair of roles equally likely, the
worst that there is, and once with the 500 combinations that an organisation may have.

    python -m benchmarks authorization_memory
"""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from random import Random  # noqa: TID251 - a repeatable workload, no secrets
from time import perf_counter
from uuid import UUID

from benchmarks.authorization_engines import snapshot_of
from benchmarks.authorization_workload import SEED, large
from benchmarks.measure import say
from rbac.policy.cache import EntryCache

PEOPLE = 1_000_000
ASKED = 20_000
PAGE = 4096


def main() -> None:
    """Measure each case in a process of its own: freed memory would be used again."""
    for combinations in ("all", "500"):
        program = [
            sys.executable,
            "-m",
            "benchmarks.authorization_memory",
            combinations,
        ]
        folder = Path(__file__).resolve().parent.parent
        subprocess.run(program, cwd=folder, check=True)  # noqa: S603 - this very module


def _measure(combinations: str) -> None:
    snapshot = snapshot_of(large(people=1, questions=1))
    names = list(snapshot.roles)
    for name in names:
        snapshot.roles[name]
    chance = Random(SEED)  # noqa: S311 - no secret, and the same each time
    pairs = [tuple(chance.sample(names, 2)) for _ in range(500)]
    cache = EntryCache(snapshot, limit=PEOPLE)
    before, started = _resident(), perf_counter()
    for number in range(PEOPLE):
        pair = (
            chance.sample(names, 2) if combinations == "all" else chance.choice(pairs)
        )
        # Both are made anew, as they come from the database.
        cache.add(_person(number), UUID(int=chance.getrandbits(128)), pair)
    seconds, used = perf_counter() - started, _resident() - before
    say(f"\n{PEOPLE:,} people, role pairs: {combinations}")
    say(f"  {used / PEOPLE:.0f} bytes a person ({used / 2**20:.0f} MiB), ")
    say(f"  {seconds / PEOPLE * 1e6:.1f} us to add one, the workload's dice included")
    _ask(cache, chance)
    for number in range(PEOPLE, PEOPLE + PEOPLE // 10):
        cache.add(_person(number), None, names[:2])
    if len(cache) > PEOPLE:
        raise SystemExit(f"the cache holds {len(cache):,}")
    say(f"  after another tenth it holds {len(cache):,}, within the limit")


def _ask(cache: EntryCache, chance: Random) -> None:
    """Time finding an entry and checking it, spread over all the memory."""
    code = "permission_1"
    dated = list(cache._young.items())  # noqa: SLF001 - to ask with the right revisions
    asked = [
        (UUID(int=number), None if found.revision is None else UUID(int=found.revision))
        for number, found in chance.sample(dated, ASKED)
    ]
    started = perf_counter()
    for person, revision in asked:
        entry = cache.find(person, revision, now=0)
        if entry is None:
            raise SystemExit("an entry is missing")
        entry.quick(code)
    say(f"  {(perf_counter() - started) / ASKED * 1e6:.2f} us to find and check one")


def _person(number: int) -> UUID:
    """Return one of the identifiers that are spread over their whole range."""
    return UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128)


def _resident() -> int:
    gc.collect()
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * PAGE


if __name__ == "__main__":
    if sys.argv[1:]:
        _measure(sys.argv[1])
    else:
        main()

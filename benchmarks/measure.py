"""Interleaved measurement: baseline and candidate take turns in one process.

These machines are noisy; a ratio of medians taken turn by turn is what can be compared.
Whose turn comes after whose is drawn anew in each round, for what one leaves behind (in
caches, on the disk) the next one pays.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from secrets import SystemRandom
from statistics import median
from time import perf_counter_ns, process_time_ns

Work = Callable[[], object]
_chance = SystemRandom()


def interleaved(
    contenders: Mapping[str, Work], *, rounds: int, repeat: int = 1
) -> dict[str, list[float]]:
    """Return nanoseconds per call of each contender, one sample a round."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for work in contenders.values():
        work()
    turns = list(contenders.items())
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            _chance.shuffle(turns)
            for name, work in turns:
                started = perf_counter_ns()
                for _ in range(repeat):
                    work()
                samples[name].append((perf_counter_ns() - started) / repeat)
    finally:
        gc.enable()
    return samples


def report(title: str, samples: Mapping[str, list[float]], *, baseline: str) -> None:
    """Print medians, and each contender's ratio to `baseline`."""
    base = median(samples[baseline])
    load = os.getloadavg()[0]
    say(f"\n{title}  ({os.cpu_count()} cores, load {load:.1f})")
    for name, taken in samples.items():
        middle = median(taken)
        say(f"  {name:<44} {middle / 1000:>12.2f} us   x{middle / base:.2f}")
    say(f"  CPU of this process so far: {process_time_ns() / 1e9:.1f} s")


def say(line: str) -> None:
    """Write one line of the report."""
    sys.stdout.write(line + "\n")

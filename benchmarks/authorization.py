"""A permission check beside the lookup that it cannot beat, and beside other engines.

The same questions for all, each engine's answers checked against a plain walk before
it is timed: seven roles of the reference chapter; 1,000 roles five deep with 100
permissions each and 10,000 people of two roles; then 10 to 10,000 roles.

    python -m benchmarks authorization
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

from benchmarks import authorization_engines as engines
from benchmarks.authorization_workload import Workload, answers, large, small
from benchmarks.measure import Work, interleaved, report, say

LIMIT = "frozenset lookup (the limit)"
OURS = "ours: a loaded entry's check"
CHAPTER = "recursive walk of the reference chapter"
Maker = Callable[[Workload], engines.Check]
# Who takes part, and of how many questions a round at most consists.
FIELD: dict[str, tuple[Maker, int]] = {
    LIMIT: (engines.lookup, 2000),
    OURS: (engines.compiled, 2000),
    CHAPTER: (engines.recursive, 100),
    "cedarpy, parsed beforehand": (engines.cedar, 10),
    "pycasbin": (engines.pycasbin, 2),
}


def main() -> None:
    """Print what one check costs each contender, and how ours grows."""
    _compare("7 roles", small(), rounds=200)
    _compare("1,000 roles five deep, 10,000 people", large(), rounds=15)
    _growth()


def _compare(title: str, workload: Workload, *, rounds: int) -> None:
    right = dict(zip(workload.questions, answers(workload), strict=True))
    contenders: dict[str, Work] = {}
    counts: dict[str, int] = {}
    for name, (make, most) in FIELD.items():
        started = perf_counter()
        check = make(workload)
        # At seven roles all take all questions; at 1,000 the slow ones take few.
        asked = workload.questions if len(right) < 200 else workload.questions[:most]
        for question in asked:
            if check(*question) is not right[question]:
                raise SystemExit(f"{name}: wrong answer to {question}")
        contenders[name] = _asking(check, asked)
        counts[name] = len(asked)
        say(f"  {name}: right, ready in {perf_counter() - started:.1f} s")
    # First the two fast ones by themselves: beside slow ones each of their turns would
    # begin with the processor's caches full of somebody else's memory.
    fast = {name: contenders[name] for name in (LIMIT, OURS)}
    samples = interleaved(fast, rounds=rounds, repeat=5)
    report(f"Permission check, {title}", _each(samples, counts), baseline=LIMIT)
    each = _each(interleaved(contenders, rounds=rounds), counts)
    report(f"All engines in turns, {title}", each, baseline=OURS)
    ours = median(each[OURS])
    for name in list(FIELD)[2:]:
        say(f"  ours is {median(each[name]) / ours:,.0f} times as fast as {name}")


def _each(
    samples: dict[str, list[float]], counts: dict[str, int]
) -> dict[str, list[float]]:
    return {name: [t / counts[name] for t in taken] for name, taken in samples.items()}


def _growth() -> None:
    contenders: dict[str, Work] = {}
    for roles in (10, 100, 1000, 10_000):
        # The same number of entries each time: only the roles behind them grow.
        workload = large(roles, people=500, questions=1000)
        check, right = engines.compiled(workload), answers(workload)
        if [check(*question) for question in workload.questions] != right:
            raise SystemExit(f"{roles} roles: wrong answers")
        contenders[f"{roles:,} roles"] = _asking(check, workload.questions)
    samples = interleaved(contenders, rounds=200)
    each = {name: [taken / 1000 for taken in found] for name, found in samples.items()}
    report("Our check as roles grow", each, baseline="10 roles")


def _asking(check: engines.Check, asked: Sequence[tuple[int, str]]) -> Work:
    def ask() -> None:
        for person, code in asked:
            check(person, code)

    return ask


if __name__ == "__main__":
    main()

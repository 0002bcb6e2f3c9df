"""How long a search takes among `AUDIT_EVENTS` events (default 2,000,000) of 90 days.

What the search page and the API ask: newest first, a page of fifty. The baseline is the
same question without the index that answers it, which reads whole partitions.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final, Unpack

from benchmarks import own_engines
from benchmarks.audit_rows import ACTORS, make_events
from benchmarks.measure import say

if TYPE_CHECKING:
    from auditlog.selectors import EventFilter

EVENTS: Final = int(os.environ.get("AUDIT_EVENTS", "2000000"))
ROUNDS: Final = 100
PAGE: Final = 50
Question = Callable[[int], Iterable[Any]]


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.audit_search")


def _measure() -> None:
    own_engines.prepare()
    make_events(EVENTS, span="90 days")
    say(f"\nsearch among {EVENTS} events  ({os.cpu_count()} cores,")
    say(f"  load {os.getloadavg()[0]:.1f}; milliseconds, {ROUNDS} rounds)")
    found = _interleaved(_questions())
    base = median(found["baseline: by actor, no index"])
    for name, taken in found.items():
        middle, p95 = median(taken), quantiles(taken, n=20)[-1]
        ratio = middle / base
        say(f"  {name:<36} p50 {middle:>8.2f}  p95 {p95:>8.2f}  x{ratio:.4f}")


def _interleaved(questions: Mapping[str, Question]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in questions}
    for round_ in range(ROUNDS):
        for name, ask in questions.items():
            if name.startswith("baseline") and round_ % 10:
                continue
            began = time.perf_counter()
            list(ask(round_))
            taken[name].append((time.perf_counter() - began) * 1000)
    return taken


def _questions() -> dict[str, Question]:
    import hashlib
    from uuid import UUID

    from django.db import connection
    from django.utils import timezone

    from auditlog.selectors import find_page, read_person
    from chatsec.core.context import SYSTEM

    now = timezone.now()
    kinds = ("chatbot_query", "authorization_check", "data_access", "sign_in")

    def actor(n: int) -> UUID:
        return UUID(hashlib.md5(f"actor{n * 37 % ACTORS}".encode()).hexdigest())  # noqa: S324 - a name of the generated rows

    def page(**wanted: Unpack[EventFilter]) -> Iterable[Any]:
        return find_page(wanted, size=PAGE).events

    def by_actor(n: int) -> Iterable[Any]:
        return page(actor_pseudonym=actor(n), since=now - timedelta(days=7))

    def without_index(n: int) -> Iterable[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_indexscan = off")
            cursor.execute("SET enable_bitmapscan = off")
            try:
                return list(by_actor(n))
            finally:
                cursor.execute("RESET enable_indexscan")
                cursor.execute("RESET enable_bitmapscan")

    return {
        "baseline: by actor, no index": without_index,
        "actor, 7 days": by_actor,
        "type, 24 hours": lambda n: page(
            event_type=kinds[n % 4], since=now - timedelta(hours=24)
        ),
        "type and outcome, 7 days": lambda n: page(
            event_type=kinds[n % 4],
            outcome="denied",
            since=now - timedelta(days=7),
        ),
        "actor and type, 30 days": lambda n: page(
            actor_pseudonym=actor(n),
            event_type=kinds[n % 4],
            since=now - timedelta(days=30),
        ),
        "newest": lambda n: page(),
        "all about one person": lambda n: [read_person(SYSTEM, actor(n), now=now)],
    }


if __name__ == "__main__":
    _measure()

"""Two hundred people sign in at once; the processes stay small and answer others."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.security.processes.people import PASSWORD
from tests.security.processes.wire import Ask, volley

TOKEN = "/api/v1/auth/token"
MEGABYTE = 1024


def resident(pid):
    """Return what the process holds in memory at this moment, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1])


class Watch:
    """Notes how large the processes get, and how long others wait for an answer."""

    def __init__(self, group) -> None:
        self.group, self.over = group, threading.Event()
        self.pids = group.worker_pids()
        self.before = {pid: resident(pid) for pid in self.pids}
        self.peak = dict(self.before)
        self.waits: list[float] = []
        self._threads = [
            threading.Thread(target=self._weigh),
            *(threading.Thread(target=self._ask, args=(w,)) for w in group.wires),
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self._threads:
            thread.join()

    @property
    def growth(self):
        """Return by how much the one that grew most grew, in MiB."""
        return max(self.peak[p] - self.before[p] for p in self.pids) / MEGABYTE

    @property
    def p95(self):
        return sorted(self.waits)[int(len(self.waits) * 0.95)]

    def _weigh(self):
        while not self.over.is_set():
            for pid in self.pids:
                self.peak[pid] = max(self.peak[pid], resident(pid))
            time.sleep(0.02)

    def _ask(self, wire):
        while not self.over.is_set():
            self.waits.append(wire.get("/healthz").seconds)
            time.sleep(0.05)


def crowd(group, people, size):
    users = [people.make() for _ in range(size)]
    asks = [
        Ask("POST", TOKEN, {"username": user.username, "password": PASSWORD})
        for user in users
    ]
    with Watch(group) as watch:
        begun = time.monotonic()
        answers = volley(group.wires, asks)
        took = time.monotonic() - begun
    return answers, watch, took


@pytest.mark.parametrize("size", [40, pytest.param(200, marks=pytest.mark.prove)])
def test_a_crowd_that_signs_in_leaves_the_processes_small(servers, people, size):
    answers, watch, took = crowd(servers, people, size)

    print(  # noqa: T201 - figures of the proof
        f"{size} sign-ins in {took:.1f} s, +{watch.growth:.0f} MiB,"
        f" others' p95 {watch.p95:.2f} s"
    )
    assert {answer.status for answer in answers} <= {200, 429, 503}
    assert watch.growth <= 300

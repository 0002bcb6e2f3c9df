"""Whatever is killed, stopped, full or rolled back: nothing lost, nothing double."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings

from auditlog.spool import Spool
from auditlog.tests.durable_cluster import durable_cluster, environment
from auditlog.tests.faulty_processes import LITTLE_BYTES
from chatsec.embedded import describe
from chatsec.embedded.outage import outage

PATIENCE_SECONDS = 120
# How many events each act leaves once it was acknowledged.
LEAVES = {"change": 2, "refuse": 1, "fail": 1, "note": 1}
ACTS_BETWEEN = 6


@pytest.fixture
def data_dir(django_db_setup: None) -> Iterator[Path]:
    """A directory with engines of its own, migrated, with production durability."""
    with durable_cluster() as place:
        yield place


class Processes:
    """A web process and a worker, replaced when killed, and what they noted."""

    def __init__(self, data_dir: Path, journals: Path) -> None:
        self.data_dir, self.journals = data_dir, journals
        self.running: dict[str, int] = {}
        self._count = 0
        command = [sys.executable, "-m", "auditlog.tests.faulty_processes"]
        self.parent = subprocess.Popen(
            [*command, str(journals)],
            cwd=settings.BASE_DIR,
            env=environment(data_dir),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, role: str, *, kept_as: str | None = None) -> Path:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self._count += 1
        self.parent.stdin.write(f"{role} {self._count}\n")
        self.parent.stdin.flush()
        self.running[kept_as or role] = int(self.parent.stdout.readline())
        return self.journals / str(self._count)

    def kill(self, role: str) -> int:
        pid = self.running.pop(role)
        os.kill(pid, signal.SIGKILL)
        return pid

    def end(self, role: str) -> None:
        """Kill it and wait until it is gone: what it locked is free only then."""
        pid = self.kill(role)
        self.wait_for(lambda: not is_there(pid))

    def replace(self, role: str, *, by: str | None = None) -> None:
        self.kill(role)
        self.start(by or role, kept_as=role)

    def acknowledged(self) -> list[str]:
        names = []
        for journal in self.journals.glob("[0-9]*"):
            names += journal.read_text().splitlines()
        return names

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        gives_up_at = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < gives_up_at
            time.sleep(0.002)

    def wait_for_acts(self, count: int = ACTS_BETWEEN) -> None:
        before = len(self.acknowledged())
        self.wait_for(lambda: len(self.acknowledged()) >= before + count)


@pytest.fixture
def processes(data_dir: Path, tmp_path: Path) -> Iterator[Processes]:
    made = Processes(data_dir, tmp_path)
    try:
        made.start("web")
        made.start("worker")
        yield made
    finally:
        for role in list(made.running):
            made.kill(role)
        made.parent.kill()
        made.parent.wait()


def kill_web(processes: Processes) -> None:
    processes.replace("web")


def kill_worker(processes: Processes) -> None:
    processes.replace("worker")


def kill_all(processes: Processes) -> None:
    processes.replace("web")
    processes.replace("worker")


def stop_database(processes: Processes) -> None:
    """Crash it while they write, and kill both while it is away and after."""
    with outage(processes.data_dir, "postgres", durable=True, crash=True):
        processes.wait_for_acts()
        processes.replace("web")
        processes.wait_for_acts()
    processes.replace("worker")


def fill_disk(processes: Processes) -> None:
    """Let the spool be full in the middle of an outage."""
    with outage(processes.data_dir, "postgres", durable=True, crash=True):
        processes.wait_for_acts()
        processes.replace("web", by="full")
        spool = Spool(processes.data_dir / "spool", most_bytes=0)
        # More than it may hold waits already, or it fills up.
        processes.wait_for(lambda: spool.size() > LITTLE_BYTES - 1_000)
    processes.replace("web")


# Of ten faults three take the database away.
FAULTS = [
    *(kill_web, kill_worker, kill_web, stop_database, kill_all),
    *(kill_web, fill_disk, kill_worker, kill_web, stop_database),
]


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.prove)])
def test_nothing_is_lost_and_nothing_is_double(
    processes: Processes, data_dir: Path, count: int
) -> None:
    for fault in islice(cycle(FAULTS), count):
        processes.wait_for_acts()
        fault(processes)
    processes.wait_for_acts()
    for role in ("web", "worker"):
        processes.end(role)
    acknowledged = processes.acknowledged()
    said = last_words(processes)

    events, changes = stored(data_dir)
    made = Counter(name for name, _ in events)
    lost = [name for name in acknowledged if made[name] < LEAVES[kind_of(name)]]
    double = [name for name in made if made[name] > LEAVES[kind_of(name)]]
    assert len(acknowledged) == len(set(acknowledged)) > count * ACTS_BETWEEN
    assert (lost, double) == ([], [])
    # A change and its evidence are both there or both not, acknowledged or not.
    assert {name for name in made if kind_of(name) == "change"} == set(changes)
    assert all(made[name] == LEAVES["change"] for name in changes)
    assert ("fail", "data_access") not in {(kind_of(n), kind) for n, kind in events}
    assert said == {"findings": [], "waiting": 0, "dead": 0}


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def last_words(processes: Processes) -> dict[str, Any]:
    journal = processes.start("last")
    processes.running.pop("last")
    processes.wait_for(journal.exists)
    said: dict[str, Any] = json.loads(journal.read_text())
    journal.unlink()
    return said


def kind_of(name: str) -> str:
    return name.partition("-")[0]


def stored(data_dir: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Return act and type of every event of the acts, and what was changed."""
    connection = psycopg2.connect(describe(data_dir, durable=True).app.url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT request_id, event_type FROM auditlog_event"
                " WHERE split_part(request_id, '-', 1) = ANY(%s)",
                [list(LEAVES)],
            )
            events = cursor.fetchall()
            cursor.execute("SELECT fingerprint FROM auditlog_alert")
            return events, [name for (name,) in cursor.fetchall()]
    finally:
        connection.close()

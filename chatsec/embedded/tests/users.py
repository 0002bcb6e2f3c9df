"""Processes that use the engines, as a web or worker process would."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psycopg2
import redis

from chatsec.embedded import Connection, Engines, locks, postgres, valkey
from chatsec.embedded.places import (
    MEMORY_ROOT,
    SOCKET_ROOT,
    Place,
    has_memory,
    locate,
)

# Engines begin much faster where files are in memory; what a kill leaves is the same.
WORKSHOP = MEMORY_ROOT if has_memory() else Path("/tmp")
PROJECT = Path(__file__).parents[3]
PATIENCE_SECONDS = 30

PROGRAM = """
import sys
from pathlib import Path
from chatsec.embedded import ensure_running
ensure_running(Path(sys.argv[1]), durable=sys.argv[2] == "durable")
print("up", flush=True)
sys.stdin.read()
"""


class User:
    """A process that holds the engines until it leaves or is killed."""

    def __init__(
        self,
        data_dir: Path,
        *,
        python: str = sys.executable,
        account: str | None = None,
        durable: bool = True,
        first_path: Path = PROJECT,
    ) -> None:
        paths = [str(first_path), str(PROJECT), *filter(None, sys.path)]
        kind = "durable" if durable else "test"
        self.process = subprocess.Popen(
            [python, "-c", PROGRAM, str(data_dir), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(paths)},
            user=account,
            extra_groups=None if account is None else [],
        )

    def wait_until_up(self) -> "User":
        assert self.process.stdout
        if self.process.stdout.readline() != "up\n":
            raise AssertionError(self.process.communicate()[1])
        return self

    def leave(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> "User":
        return self.wait_until_up()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()


def query(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    connected = psycopg2.connect(connection.url())
    try:
        with connected, connected.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connected.close()


def both_answer(engines: Engines) -> bool:
    try:
        query(engines.app, "SELECT 1")
        with redis.Redis.from_url(engines.cache_url(1)) as client:
            return bool(client.ping())
    except (psycopg2.OperationalError, redis.RedisError):
        return False


def pids(data_dir: Path) -> tuple[int | None, int | None]:
    place = place_of(data_dir)
    return postgres.pid_of(place), valkey.pid_of(place)


def is_stopped(data_dir: Path) -> bool:
    return pids(data_dir) == (None, None)


def place_of(data_dir: Path) -> Place:
    return locate(data_dir, durable=True)


def keeper_pid(root: Path) -> int | None:
    """Return the process that holds the keeper's lock, found by its open file."""
    path = root / "keeper.lock"
    return next((pid for pid in _openers(path) if locks.is_held(path)), None)


def demolish(root: Path) -> None:
    """Leave nothing of these engines; a proper stop would sync hundreds of files."""
    keeper = keeper_pid(root)
    if keeper:
        kill(keeper)
    # Killed, PostgreSQL would leave its shared memory to the machine.
    for name, sign in (("postgres", signal.SIGQUIT), ("valkey", signal.SIGKILL)):
        _end_holders(root / f"{name}.lock", sign)
    known = json.loads((root / "credentials.json").read_text())
    shutil.rmtree(SOCKET_ROOT / f"chatsec-{known['id']}", ignore_errors=True)
    if known.get("home"):
        shutil.rmtree(known["home"], ignore_errors=True)


def _end_holders(path: Path, sign: signal.Signals) -> None:
    for pid in _openers(path):
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
    eventually(lambda: not locks.is_held(path), f"{path} is still held")


def _openers(path: Path) -> list[int]:
    """Return the processes that have the file open."""
    processes = Path("/proc").glob("[0-9]*")
    return [int(each.name) for each in processes if str(path) in _open_files(each)]


def _open_files(process: Path) -> set[str]:
    """Return what it has open; it and its files come and go while this looks."""
    found = set()
    with suppress(OSError):
        for entry in os.scandir(process / "fd"):
            with suppress(OSError):
                found.add(os.readlink(entry.path))
    return found


def eventually(claim: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not claim():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def kill(pid: int | None) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)

"""The process that watches over the engines and stops them after their last user.

It is detached, belongs to no terminal, and knows its users by one lock file alone.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from chatsec.embedded import locks, postgres, valkey
from chatsec.embedded.accounts import account_of, open_way
from chatsec.embedded.errors import EngineError
from chatsec.embedded.places import Place

LINGER_SECONDS = 2.0
WATCH_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


def leash_path(place: Place) -> Path:
    """Return the lock file that every user holds shared."""
    return place.root / "leash.lock"


def start_lock(place: Place) -> Path:
    """Return the lock file that whoever starts an engine holds."""
    return place.root / "start.lock"


def is_same_file(lock: int, path: Path) -> bool:
    """Tell whether the open lock file still is the one at the path."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def is_up(place: Place) -> bool:
    """Tell whether both engines answer and the roles are made."""
    return (
        postgres.has_roles(place)
        and postgres.is_ready(place)
        and valkey.is_ready(place)
    )


def bring_up(place: Place) -> None:
    """Start what does not run. The caller holds the start lock."""
    account = account_of(place)
    if place.is_in_memory:
        account.make_directory(place.home)
    else:
        open_way(place, account)
    if not postgres.is_ready(place):
        postgres.start(place, account)
    postgres.bring_roles(place, account)
    if not valkey.is_ready(place):
        valkey.start(place, account)


def bring_down(place: Place) -> None:
    """Stop both engines; what was in memory is gone."""
    valkey.stop(place)
    postgres.stop(place, account_of(place))
    if place.is_in_memory:
        shutil.rmtree(place.home, ignore_errors=True)
    elif place.run != place.home / "run":
        with suppress(OSError):
            place.run.rmdir()


def employ(place: Place) -> None:
    """Make sure that a keeper is at work, whatever became of the last one."""
    if locks.is_held(_own_lock(place)):
        return
    durable = "durable" if place.durable else "test"
    base = place.root if place.durable else place.root.parent
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "chatsec.embedded", "keep", str(base), durable],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        raise EngineError(f"No keeper of the engines: {done.stderr.decode().strip()}")


def keep(place: Place) -> None:
    """Become the keeper, in the background; return at once if there is one.

    The lock is taken before the fork: when the starter goes on, somebody keeps.
    """
    own = locks.open_lock(_own_lock(place))
    if not locks.take_soon(own):
        return
    leash = locks.open_lock(leash_path(place))
    if os.fork():
        os._exit(0)
    _let_go_of_terminal()
    _watch(place, leash)
    # In this order: who gets the leash must find the keeper's post free.
    os.close(own)
    os.close(leash)


def _watch(place: Place, leash: int) -> None:
    """Return when nobody uses the engines any more and they are stopped."""
    known: set[int] = set()
    retry_at, pause = 0.0, 1.0
    while True:
        time.sleep(WATCH_SECONDS)
        if not is_same_file(leash, leash_path(place)):
            return _end_orphans(place, known)
        if _is_last(leash):
            return bring_down(place)
        pids = _pids(place)
        known |= pids
        if len(pids) == 2:
            known, pause = pids, 1.0
        elif time.monotonic() >= retry_at and _has_users(leash):
            if not _revive(place):
                retry_at = time.monotonic() + pause
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            known |= _pids(place)


def _pids(place: Place) -> set[int]:
    """Return the servers that run; none while somebody removes the directory."""
    with suppress(OSError):
        return {pid for pid in (postgres.pid_of(place), valkey.pid_of(place)) if pid}
    return set()


def _is_last(leash: int) -> bool:
    """Tell whether nobody wants the engines; if so nobody can until we are done."""
    if not locks.try_take(leash, "exclusive"):
        return False
    locks.release(leash)
    time.sleep(LINGER_SECONDS)
    return locks.try_take(leash, "exclusive")


def _has_users(leash: int) -> bool:
    """Tell whether somebody uses the engines, and nobody is about to stop them.

    Users hold the leash shared; `stop` holds it alone. An engine that was stopped on
    purpose must not be brought back behind its stopper's back.
    """
    if locks.try_take(leash, "exclusive"):
        locks.release(leash)
        return False
    if not locks.try_take(leash, "shared"):
        return False
    locks.release(leash)
    return True


def _revive(place: Place) -> bool:
    """Start an engine that died under its users; say whether that is settled."""
    try:
        with locks.held_if_free(start_lock(place)) as lock:
            if lock is not None:
                bring_up(place)
        return True
    except (EngineError, OSError):
        return False


def _end_orphans(place: Place, pids: set[int]) -> None:
    """End the engines of a data directory that somebody removed."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    if place.is_in_memory:
        shutil.rmtree(place.home, ignore_errors=True)


def _own_lock(place: Place) -> Path:
    return place.root / "keeper.lock"


def _let_go_of_terminal() -> None:
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)

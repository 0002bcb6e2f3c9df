"""The embedded Valkey: configure it, start it, stop it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from chatsec.embedded import locks, sockets
from chatsec.embedded.accounts import Account
from chatsec.embedded.binaries import valkey_server
from chatsec.embedded.errors import EngineError
from chatsec.embedded.places import Place, write_private

START_SECONDS = 60
STOP_SECONDS = 10

_CONFIGURATION = """\
# Written by chatsec at every start.
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
daemonize yes
pidfile valkey.pid
logfile valkey.log
databases 64
save ""
appendonly {appendonly}
appendfsync everysec
maxmemory 256mb
# A full store refuses writes: evicting would forget counted tries and queued work.
maxmemory-policy noeviction
"""


def is_ready(place: Place) -> bool:
    """Tell whether the server knows our password and has loaded its data."""
    password = place.passwords["valkey"]
    hello = f"AUTH {password}\r\nPING\r\n".encode()
    return sockets.answers(place.valkey_socket, say=hello, expect=b"+PONG")


def pid_of(place: Place) -> int | None:
    """Return the server's process id while it runs."""
    if not locks.is_held(place.valkey_lock):
        return None
    with suppress(OSError, ValueError):
        return int((place.valkey_dir / "valkey.pid").read_text())
    return None


def start(place: Place, account: Account) -> None:
    """Bring the server up; it answers, with its data loaded, afterwards."""
    account.make_directory(place.run)
    account.make_directory(place.valkey_dir)
    stop(place)  # a server that holds the data but does not answer
    configuration = place.valkey_dir / "valkey.conf"
    write_private(
        configuration,
        _CONFIGURATION.format(
            socket=place.valkey_socket,
            password=place.passwords["valkey"],
            appendonly="yes" if place.durable else "no",
        ),
    )
    _shorten_log(place.valkey_dir / "valkey.log")
    _launch(place, account, configuration)
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(place):
        if time.monotonic() > deadline:
            raise EngineError(
                f"Valkey did not start: see {place.valkey_dir}/valkey.log"
            )
        time.sleep(0.02)


def stop(place: Place) -> None:
    """Stop the server; what it had acknowledged is on disk afterwards."""
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 2)):
        pid = pid_of(place)
        if not pid:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + seconds
        while locks.is_held(place.valkey_lock) and time.monotonic() < deadline:
            time.sleep(0.02)


def _launch(place: Place, account: Account, configuration: Path) -> None:
    """Start the program with a lock that it keeps for as long as it lives.

    Two servers must never write one append-only file, and the kernel gives the lock
    back however the first one ends.
    """
    with locks.held_if_free(place.valkey_lock) as lock:
        if lock is None:
            raise EngineError("An earlier Valkey still holds the data; it must end.")
        command = [str(valkey_server(account)), configuration.name]
        done = account.run(command, keep=[lock], cwd=place.valkey_dir)
    if done.returncode != 0:
        raise EngineError(
            f"Valkey did not start: {(done.stderr or done.stdout).strip()}"
        )


def _shorten_log(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.stat().st_size > 1_000_000:
            os.truncate(path, 0)

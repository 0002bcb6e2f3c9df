"""Child processes that start, speak, stop and die together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 3.0
WATCH_SECONDS = 0.1

Say = Callable[[str], None]


class Crew:
    """Processes of which none outlives another, nor the one that started them."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._members: dict[str, subprocess.Popen[str]] = {}
        self._readers: list[threading.Thread] = []

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Start one process; its output comes out line by line under its name.

        It gets a session of its own, or the terminal's Ctrl-C would reach every process
        at once and the order of stopping would be left to chance.
        """
        member = subprocess.Popen(  # noqa: S603 - our own commands
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509 - one system call, no locks
        )
        self._members[name] = member

    def read(self) -> None:
        """Begin to show what the processes say; to be called when all are started."""
        for name, member in self._members.items():
            if member.stdout:
                reader = threading.Thread(
                    target=self._pump, args=(name, member.stdout), daemon=True
                )
                reader.start()
                self._readers.append(reader)

    def first_dead(self) -> str | None:
        """Return the name of a process that has ended, if one has."""
        for name, member in self._members.items():
            if member.poll() is not None:
                return f"{name} (exit status {member.returncode})"
        return None

    def stop(self) -> None:
        """End every process within a few seconds, gently first."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._alive() and time.monotonic() < deadline:
            time.sleep(WATCH_SECONDS)
        # The group, not the process: a killed server's own children go with it.
        for member in self._members.values():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(member.pid, signal.SIGKILL)
            member.wait()
        for reader in self._readers:
            reader.join(timeout=1)

    def _alive(self) -> bool:
        return any(member.poll() is None for member in self._members.values())

    def _signal(self, sign: signal.Signals) -> None:
        for member in self._members.values():
            if member.poll() is None:
                member.send_signal(sign)

    def _pump(self, name: str, output: IO[str]) -> None:
        for line in output:
            self._say(f"{name:<7}| {line.rstrip()}")


def end_with_parent() -> None:
    """Make this process get a SIGTERM when the one that started it is gone."""
    if tie := _die_with_parent(os.getppid()):
        tie()


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    """Return what ties a process to its parent, where the system can do that.

    The kernel then ends it however the parent ends; elsewhere a kill -9 leaves it.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return tie

"""What work costs the database server: seconds of CPU over all of its processes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

from django.db import connection


class ServerSeconds:
    """Seconds of CPU of the server on this machine, by the name of the work."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        self._server = _read(str(pid))[0]
        self._spent: dict[str, list[float]] = defaultdict(list)

    def of(self, name: str, work: Callable[[], object]) -> Callable[[], None]:
        """Return the work, counted under the name each time that it is done."""

        def counted() -> None:
            before = self.so_far()
            work()
            self._spent[name].append(self.so_far() - before)

        return counted

    def medians(self) -> dict[str, float]:
        """Return the middle of what each cost."""
        return {name: median(spent) for name, spent in self._spent.items()}

    def so_far(self) -> float:
        """Return what the server has spent since it started."""
        _, own, ended = _read(str(self._server))
        running = 0
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                parent, ticks, _ = _read(process.name)
                running += ticks if parent == self._server else 0
        return (own + ended + running) / os.sysconf("SC_CLK_TCK")


def _read(pid: str) -> tuple[int, int, int]:
    """Return a process's parent, its ticks, and those of its children that ended."""
    try:
        text = Path("/proc", pid, "stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0, 0
    words = text.rpartition(")")[2].split()
    own, ended = words[11:13], words[13:15]
    return int(words[1]), sum(map(int, own)), sum(map(int, ended))

"""Many processes at one gate: threads of one interpreter would take turns."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

from django.db import connection


def race_processes(runners: int, act: Callable[[], object]) -> list[object]:
    """Return what the act came to in each process; an exception as its words."""
    processes = multiprocessing.get_context("fork")
    gate, answers = processes.Barrier(runners), processes.Queue()

    def run() -> None:
        connection.ensure_connection()
        gate.wait(timeout=60)
        try:
            answers.put(act())
        except Exception as error:  # noqa: BLE001 - it is the result
            answers.put(repr(error))

    # Each process opens a connection of its own.
    connection.close()
    started = [processes.Process(target=run) for _ in range(runners)]
    for one in started:
        one.start()
    got = [answers.get(timeout=60) for _ in started]
    for one in started:
        one.join()
    return got

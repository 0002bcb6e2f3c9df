"""Many threads at one gate, each with its own database connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def race(count: int, act: Callable[[], T]) -> list[T | Exception]:
    """Run `act` in `count` threads that start together; return what came of each."""
    gate = threading.Barrier(count)

    def run() -> T | Exception:
        gate.wait()
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(run) for _ in range(count)]]

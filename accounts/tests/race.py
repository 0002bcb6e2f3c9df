"""Many threads at one gate, each with its own connections to the real database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


def race(runners: int, act: Callable[[], T]) -> list[T | Exception]:
    """Return what each runner got, its exception included."""
    gate = Barrier(runners)

    def run() -> T | Exception:
        try:
            connection.ensure_connection()
            gate.wait(timeout=60)
            return act()
        except Exception as error:  # noqa: BLE001 - it is the result
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(runners) as pool:
        return [ran.result() for ran in [pool.submit(run) for _ in range(runners)]]


def of_kind(results: list[object], kind: type) -> int:
    """Return how many results are of this kind."""
    return sum(isinstance(result, kind) for result in results)

"""A walk over every route, noted down for tests to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.test import Client

from tests.security.database_state import changed, digests, writes
from tests.security.routes import Route, drained


@dataclass(frozen=True)
class Read:
    """What one request was answered, and the tables that its statements wrote to."""

    path: str
    method: str
    status: int
    streams: bool
    begins: bytes
    tables: frozenset[str]


@dataclass(frozen=True)
class Walk:
    """The answers in order, and the tables that are not as they were before."""

    reads: tuple[Read, ...]
    changed: frozenset[str]

    def by(self, method: str) -> list[Read]:
        """Return the answers to one method, a route each."""
        return [read for read in self.reads if read.method == method]


def walk(client: Client, routes: Iterable[Route], methods: Iterable[str]) -> Walk:
    """Ask every route by each of the methods."""
    before = digests()
    asked = [(route.path, method) for route in routes for method in methods]
    reads = tuple(_read(client, path, method) for path, method in asked)
    return Walk(reads, frozenset(changed(before)))


def _read(client: Client, path: str, method: str) -> Read:
    with writes() as tables:
        response = client.generic(method, path)
        drained(response)
    begins = b"" if response.streaming else response.content[:40]
    return Read(
        path,
        method,
        response.status_code,
        response.streaming,
        begins,
        frozenset(tables),
    )

"""A walk over every route, noted down for tests to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie

from django.conf import settings
from django.test import Client

from tests.security.database_state import changed, digests, writes
from tests.security.routes import drained

# Who asks, by which method, for which path.
Request = tuple[Client, str, str]


@dataclass(frozen=True)
class Read:
    """What one request was answered, and the tables that its statements wrote to.

    Its parts have the names that they have in Django's responses; of a stream the
    content is not kept.
    """

    path: str
    method: str
    status_code: int
    streaming: bool
    headers: Mapping[str, str]
    cookies: SimpleCookie
    content: bytes
    # The key of the session that asked; empty for a visitor.
    session: str
    tables: frozenset[str]

    @property
    def tells_session(self) -> bool:
        """Whether the asker's session key is in the page or in a header."""
        told = " ".join(f"{name}: {value}" for name, value in self.headers.items())
        text = told + self.content.decode("utf-8", "replace")
        return bool(self.session) and self.session in text

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status_code}"


@dataclass(frozen=True)
class Walk:
    """The answers in order, and the tables that are not as they were before."""

    reads: tuple[Read, ...]
    changed: frozenset[str]

    def by(self, *methods: str) -> list[Read]:
        """Return the answers to these methods, in order."""
        return [read for read in self.reads if read.method in methods]


def walk(
    requests: Iterable[Request], *, headers: Mapping[str, str] | None = None
) -> Walk:
    """Make the requests one after the other, over TLS."""
    before = digests()
    reads = tuple(_read(*request, headers) for request in requests)
    return Walk(reads, frozenset(changed(before)))


def _read(
    client: Client, method: str, path: str, headers: Mapping[str, str] | None
) -> Read:
    carried = client.cookies.get(settings.SESSION_COOKIE_NAME)
    with writes() as tables:
        response = client.generic(method, path, secure=True, headers=headers)
        drained(response)
    return Read(
        path=path,
        method=method,
        status_code=response.status_code,
        streaming=response.streaming,
        headers=response.headers,
        cookies=response.cookies,
        content=b"" if response.streaming else response.content,
        session=carried.value if carried else "",
        tables=frozenset(tables),
    )

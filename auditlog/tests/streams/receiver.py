"""A receiver of events on loopback, with the faults that real ones have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Received:
    """One call as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def ids(self) -> list[str]:
        return [
            line["id"] if "id" in line else line["metadata"]["uid"]
            for line in self.lines
        ]


@dataclass
class Receiver:
    """What came in, and how the next calls are answered.

    `fault` says what becomes of a call: "" takes it; "status" refuses it; "before" and
    "after" hang up without an answer, before and after the events were taken.
    """

    port: int
    taken: list[Received] = field(default_factory=list)
    fault: Callable[[], str] = lambda: ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fault = receiver.fault()
            if fault in ("", "after"):
                receiver.taken.append(Received(dict(self.headers), body))
            if fault in ("before", "after"):
                self.close_connection = True
                return
            self.send_response(500 if fault == "status" else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    serve = partial(server.serve_forever, poll_interval=0.02)  # it stops as quickly
    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

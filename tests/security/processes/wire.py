"""Plain HTTP to one server process, and volleys at several of them at once."""

from __future__ import annotations

import http.client  # noqa: TID251 - to our own servers
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What a server said, and how long it thought."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cookies: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Return the stable code of a problem, or nothing."""
        try:
            return str(self.json().get("code", ""))
        except ValueError:
            return ""


@dataclass(frozen=True)
class Ask:
    """A request that is not sent yet."""

    method: str
    path: str
    body: object = None
    form: Mapping[str, str] | None = None
    token: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire:
    """One server process."""

    def __init__(self, port: int, *, host: str) -> None:
        self.port, self.host = port, host

    def get(self, path: str, **how: Any) -> Answer:
        return self.send(Ask("GET", path, **how))

    def post(self, path: str, body: object = None, **how: Any) -> Answer:
        return self.send(Ask("POST", path, body, **how))

    def delete(self, path: str, **how: Any) -> Answer:
        return self.send(Ask("DELETE", path, **how))

    def send(self, ask: Ask, *, gate: Barrier | None = None) -> Answer:
        """Send it; with a gate, when everybody else stands there connected too."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, TIMEOUT_SECONDS)  # noqa: TID251 - to our own servers
        try:
            line.connect()
            body, headers = self._dressed(ask)
            if gate is not None:
                gate.wait(timeout=TIMEOUT_SECONDS)
            begun = time.perf_counter()
            line.request(ask.method, ask.path, body=body, headers=headers)
            found = line.getresponse()
            content = found.read()
            return Answer(
                found.status,
                {name.lower(): value for name, value in found.getheaders()},
                content,
                time.perf_counter() - begun,
                _cookies(found.headers.get_all("Set-Cookie") or []),
            )
        finally:
            line.close()

    def _dressed(self, ask: Ask) -> tuple[bytes | None, dict[str, str]]:
        headers = {
            "Host": self.host,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": ask.address or any_address(),
            "Accept": "application/json",
            **ask.headers,
        }
        if ask.token:
            headers["Authorization"] = f"Bearer {ask.token}"
        if ask.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in ask.cookies.items())
        if ask.form is not None:
            from urllib.parse import urlencode

            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Accept"] = "text/html"
            headers["Referer"] = f"https://{self.host}{ask.path}"
            return urlencode(ask.form).encode(), headers
        if ask.body is None:
            return None, headers
        headers["Content-Type"] = "application/json"
        return json.dumps(ask.body).encode(), headers


def volley(wires: Sequence[Wire], asks: Sequence[Ask]) -> list[Answer]:
    """Send all at the same moment, dealt out over the processes; no answer is lost."""
    gate = Barrier(len(asks))
    with ThreadPoolExecutor(len(asks)) as pool:
        sent = [
            pool.submit(wires[number % len(wires)].send, ask, gate=gate)
            for number, ask in enumerate(asks)
        ]
        return [each.result() for each in sent]


def csrf_of(wire: Wire) -> tuple[dict[str, str], str]:
    """Return the cookie of a visitor's browser, and the token for its forms."""
    page = wire.get("/sign-in", headers={"Accept": "text/html"})
    (name,) = [each for each in page.cookies if "csrf" in each]
    return {name: page.cookies[name]}, page.cookies[name]


def any_address() -> str:
    """Return an address of a network that no other request comes from, nearly."""
    a, b, c = secrets.token_bytes(3)
    return f"10.{a}.{b}.{max(1, c)}"


def _cookies(headers: Sequence[str]) -> dict[str, str]:
    pairs = (header.partition(";")[0].partition("=") for header in headers)
    return {name: value for name, _, value in pairs}

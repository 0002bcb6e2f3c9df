"""Three real servers get a new signing key one after the other, while clients go on."""

from __future__ import annotations

import base64
import http.client  # noqa: TID251 - to our own server, on loopback
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from accounts import access_tokens
from accounts.services import tokens
from accounts.tests.factories import make_session, make_user
from chatsec import installation

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True)]

CLIENTS = 6
LEAD_SECONDS = 75
START_SECONDS = 60
PAUSE_SECONDS = 0.05
SESSIONS = "/api/v1/auth/sessions"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_text(keys):
    return ",".join(f"{k}:{base64.b64encode(v).decode()}" for k, v in keys.items())


def environment(data_dir):
    found = connection.settings_dict
    login = f"{found['USER']}:{quote(found['PASSWORD'], safe='')}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHATSEC_")}
    wrapping = {str(k): v for k, v in settings.CHATSEC_KEY_ENCRYPTION_KEYS.items()}
    return {
        **kept,
        "CHATSEC_ENV": "development",
        "CHATSEC_DATA_DIR": str(data_dir),
        "CHATSEC_LOG_LEVEL": "ERROR",
        "CHATSEC_PUBLIC_URL": settings.CHATSEC_PUBLIC_URL,
        "CHATSEC_SECRET_KEY": settings.SECRET_KEY,
        "CHATSEC_DATA_KEY": base64.b64encode(settings.CHATSEC_DATA_KEY).decode(),
        "CHATSEC_KEY_ENCRYPTION_KEYS": as_text(wrapping),
        "DATABASE_URL": f"postgres://{login}@/{found['NAME']}?host={quote(found['HOST'])}",
        "REDIS_URL": settings.REDIS_URL,
        "WEB_CONCURRENCY": "1",
    }


class Server:
    """One gunicorn, started again with other keys where it was."""

    def __init__(self, data_dir, keys):
        data_dir.mkdir()
        self.port, self.data_dir = free_port(), data_dir
        self.start(keys)

    def start(self, keys):
        told = {**environment(self.data_dir), "CHATSEC_TOKEN_KEYS": keys}
        bind = ("--bind", f"127.0.0.1:{self.port}")
        served = ("gunicorn", "-c", "python:chatsec.gunicorn_conf", *bind)
        with (self.data_dir / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *served, "chatsec.wsgi"],
                cwd=settings.BASE_DIR,
                env=told,
                stdout=log,
                stderr=log,
            )

    def wait(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                return ask(self.port, "GET", "/healthz")[0] == 200
            except OSError:
                assert self.process.poll() is None, (self.data_dir / "log").read_text()
                time.sleep(0.2)
        raise TimeoutError

    def restart(self, keys):
        self.stop()
        self.start(keys)
        self.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def ask(port, method, path, *, token="", body=None):
    line = http.client.HTTPConnection(  # noqa: TID251 - as above
        "127.0.0.1", port, timeout=30
    )
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        line.request(method, path, json.dumps(body) if body else None, headers)
        found = line.getresponse()
        return found.status, found.read()
    finally:
        line.close()


class Client(threading.Thread):
    """Asks with its token, refreshes every other second; a server that is away is not
    asked, as a balancer would see to it."""

    def __init__(self, ports, pair, stop):
        super().__init__()
        self.ports, self.access, self.refresh = ports, pair.access, pair.refresh
        self.over, self.held = stop, [pair.access]
        self.answers, self.refused = 0, []

    def run(self):
        refreshed_at = time.monotonic()
        turn = 0
        while not self.over.is_set():
            turn += 1
            self.over.wait(PAUSE_SECONDS)
            # Each token that it ever had holds for ten minutes, at every server.
            token = self.held[turn % len(self.held)]
            self.note(self.anywhere(turn, "GET", SESSIONS, token=token))
            if time.monotonic() - refreshed_at > 2:
                refreshed_at = time.monotonic()
                self.renew(turn)

    def renew(self, turn):
        body = {"refresh": self.refresh}
        status, answer = self.anywhere(
            turn, "POST", "/api/v1/auth/token/refresh", body=body
        )
        self.note((status, answer))
        pair = json.loads(answer)
        self.refresh = pair["refresh"]
        self.held.append(pair["access"])

    def anywhere(self, turn, method, path, **how):
        while True:
            for step in range(len(self.ports)):
                try:
                    return ask(
                        self.ports[(turn + step) % len(self.ports)], method, path, **how
                    )
                except ConnectionRefusedError:
                    continue
            time.sleep(0.1)

    def note(self, answer):
        self.answers += 1
        if answer[0] != 200:
            self.refused.append(answer)


@contextmanager
def running(tmp_path, keys):
    servers = [Server(tmp_path / str(number), keys) for number in range(3)]
    try:
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.stop()


def kid_of(token):
    return access_tokens.jwt.get_unverified_header(token)["kid"]


def test_no_token_is_refused_while_the_key_changes(tmp_path):
    pairs = [tokens.issue(make_session(make_user(f"user{n}"))) for n in range(CLIENTS)]
    first, over = as_text(settings.CHATSEC_TOKEN_KEYS), threading.Event()
    with running(tmp_path, first) as servers:
        clients = [Client([s.port for s in servers], pair, over) for pair in pairs]
        for client in clients:
            client.start()
        now = int(time.time())
        signs_from = now + LEAD_SECONDS
        second = installation.next_token_keys(
            first, signs_from=signs_from, overlap=665, now=now
        )
        for server in servers:
            server.restart(second)
        restarted_in_time = time.time() < signs_from
        while time.time() < signs_from + 6:
            time.sleep(0.2)
        over.set()
        for client in clients:
            client.join()

    assert restarted_in_time
    assert [each for client in clients for each in client.refused] == []
    new = second.split(":")[0]
    for client in clients:
        assert client.answers > 20
        assert (kid_of(client.held[0]), kid_of(client.held[-1])) == (
            next(iter(settings.CHATSEC_TOKEN_KEYS)),
            new,
        )

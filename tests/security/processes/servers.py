"""Real server processes over one database: what a rolling installation looks like."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from django.conf import settings

from chatsec.embedded.accounts import Account
from chatsec.embedded.binaries import valkey_server
from tests.security.processes.wire import Answer, Wire

HOST = "chatsec.test"
COUNT = 3
# Enough to race; each keeps a connection, for as long as the package's tests last.
THREADS = 12
START_SECONDS = 90
BACKLOG = 512
SOUND = "chatsec.wsgi"
FLAWED = "tests.security.processes.flawed"


class Valkey:
    """A cache of its own for the servers, so that it can be taken from them."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "valkey.sock"
        self.password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://:{self.password}@{self.socket}?db=1"

    def start(self) -> None:
        program = valkey_server(Account(os.getuid(), os.getgid()))
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "requirepass": self.password,
            "save": "",
            "databases": "64",
            "dir": str(self.socket.parent),
        }
        command = [str(program)]
        for name, value in options.items():
            command += [f"--{name}", value]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        client = redis.Redis.from_url(self.url)
        wait_for(client.ping, patience=(redis.RedisError,))
        client.close()

    def kill(self) -> None:
        """End it the hard way; the servers find a socket that nobody answers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Servers:
    """Gunicorn with the project's configuration, several times, on loopback."""

    def __init__(
        self, database: str, valkey: Valkey, directory: Path, *, flaws: str = ""
    ) -> None:
        lines = [listening() for _ in range(COUNT)]
        self.ports = [line.getsockname()[1] for line in lines]
        self.logs = [
            directory / f"web-{flaws or 'sound'}-{n}.log" for n in range(COUNT)
        ]
        environment = _environment(database, valkey, directory)
        self._processes = [
            _start(line, log, environment, flaws=flaws)
            for line, log in zip(lines, self.logs, strict=True)
        ]
        for line in lines:
            line.close()  # the server has it now
        self.wires = [Wire(port, host=HOST) for port in self.ports]

    def wait(self) -> None:
        """Return when every process answers; say what one wrote that does not."""
        for wire, process, log in zip(
            self.wires, self._processes, self.logs, strict=True
        ):

            def answers(wire=wire, process=process, log=log) -> bool:
                assert process.poll() is None, log.read_text()[-4000:]
                return bool(wire.get("/healthz").status == 200)

            wait_for(answers, patience=(OSError,))

    def worker_pids(self) -> list[int]:
        """Return the processes that serve, below those that watch over them."""
        found = []
        for process in self._processes:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            found += [int(pid) for pid in children.read_text().split()]
        return found

    def everywhere(self, path: str, **how: Any) -> list[Answer]:
        """Ask every process the same."""
        return [wire.get(path, **how) for wire in self.wires]

    def last_words(self) -> list[tuple[str, str]]:
        """Return the end of what each process logged, by name."""
        return [(log.name, log.read_text()[-4000:]) for log in self.logs]

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_for(
    condition: Callable[[], object],
    *,
    patience: Sequence[type[Exception]],
    seconds: float = START_SECONDS,
) -> None:
    """Return when the condition holds; what it raises meanwhile is waited out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(*patience):
            if condition():
                return
        time.sleep(0.1)
    raise TimeoutError


def workshop() -> Path:
    """Return a directory with a path short enough for sockets."""
    return Path(tempfile.mkdtemp(prefix="cs-proof-"))


def clear(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def listening() -> socket.socket:
    """Return a line that a server can take over.

    A port that was only found free may be another's by the time a server binds it, and
    the tests would then talk to the server of another worker.
    """
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)


def _start(
    line: socket.socket, log: Path, environment: Mapping[str, str], *, flaws: str
) -> subprocess.Popen[bytes]:
    metrics = log.with_suffix(".metrics")
    command = [
        sys.executable,
        *("-m", "gunicorn", "-c", "python:chatsec.gunicorn_conf"),
        *("--bind", f"fd://{line.fileno()}", "--backlog", str(BACKLOG)),
        *("--threads", str(THREADS)),
        FLAWED if flaws else SOUND,
    ]
    own = {"PROMETHEUS_MULTIPROC_DIR": str(metrics), "CHATSEC_TEST_FLAWS": flaws}
    with log.open("wb") as written:
        return subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env={**environment, **own},
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[line.fileno()],
        )


def _environment(database: str, valkey: Valkey, directory: Path) -> dict[str, str]:
    """Return what a production process is told, with the secrets of the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHATSEC_")}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "chatsec.settings",
        "CHATSEC_ENV": "production",
        "CHATSEC_ALLOWED_HOSTS": HOST,
        "CHATSEC_PUBLIC_URL": f"https://{HOST}",
        # As behind a balancer, which says whose request it is: each try of a race
        # can come from somewhere else, or the limits of one address would hide it.
        "CHATSEC_TRUSTED_PROXIES": "1",
        "CHATSEC_DATA_DIR": str(directory / "data"),
        "CHATSEC_STATIC_ROOT": str(directory / "static"),
        "CHATSEC_LOG_LEVEL": "WARNING",
        "CHATSEC_SECRET_KEY": settings.SECRET_KEY,
        "CHATSEC_DATA_KEY": _text(settings.CHATSEC_DATA_KEY),
        "CHATSEC_KEY_ENCRYPTION_KEYS": _texts(settings.CHATSEC_KEY_ENCRYPTION_KEYS),
        "CHATSEC_TOKEN_KEYS": _texts(settings.CHATSEC_TOKEN_KEYS),
        "DATABASE_URL": _database_url("default", database),
        "REDIS_URL": valkey.url,
        "EMAIL_URL": "dummymail://",
        "BUSINESS_DATABASE_URL": settings.BUSINESS_DATABASE_URL,
        "WEB_CONCURRENCY": "1",
    }


def _database_url(alias: str, database: str) -> str:
    """Return the URL of the database as the application role, over its socket."""
    found = settings.DATABASES[alias]
    password, host = quote(found["PASSWORD"], safe=""), quote(found["HOST"])
    return f"postgres://{found['USER']}:{password}@/{database}?host={host}"


def _texts(keys: Mapping[Any, bytes]) -> str:
    return ",".join(f"{name}:{_text(key)}" for name, key in keys.items())


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()

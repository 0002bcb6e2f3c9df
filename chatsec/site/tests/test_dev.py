"""`manage.py dev` as a whole: real servers on a free port, stopped in every way."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen  # noqa: TID251 - asks our server from outside

import pytest

from chatsec.embedded.outage import outage
from chatsec.embedded.tests.users import WORKSHOP, demolish

PROJECT = Path(__file__).parents[3]
PATIENCE_SECONDS = 90
PARENT = """
import subprocess, sys, time
subprocess.Popen(sys.argv[1:])
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="looks for left processes in /proc"
)


class Installation:
    """A data directory, a port, and at most one `manage.py dev` on them."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        with socket.socket() as line:
            line.bind(("127.0.0.1", 0))
            self.port = line.getsockname()[1]
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def begin(self, *, through: tuple[str, ...] = (), options: tuple[str, ...] = ()):
        left_out = ("PYTEST", "DJANGO", "PROMETHEUS", "CHATSEC")
        known = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        ours = {
            "CHATSEC_DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
        }
        self.lines = []
        self.process = subprocess.Popen(
            [*through, sys.executable, "manage.py", "dev", *options],
            cwd=PROJECT,
            env={**known, **ours},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: self.says("`make demo-users`"), lambda: self.text)
        return self.process

    def _read(self) -> None:
        assert self.process
        assert self.process.stdout
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def says(self, words: str) -> bool:
        assert self.process
        assert self.process.poll() is None, self.text
        return words in self.text

    def get(self, path: str) -> tuple[int, dict[str, object]]:
        url = f"http://localhost:{self.port}{path}"
        try:
            with urlopen(url, timeout=10) as response:
                return response.status, json.load(response)
        except HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def processes(self, word: str = "") -> list[int]:
        """Return what runs for this installation, the engines' keeper apart."""
        mark = f"CHATSEC_DATA_DIR={self.data_dir}\0".encode()
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (directory / "cmdline").read_bytes()
                if mark not in (directory / "environ").read_bytes():
                    continue
                if b"chatsec.embedded" not in command and word.encode() in command:
                    found.append(int(directory.name))
        return found

    def end(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def eventually(claim: Callable[[], object], explain: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not claim():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def data_dir():
    parent = Path(tempfile.mkdtemp(prefix="cd-", dir=WORKSHOP))
    parent.chmod(0o755)
    yield parent / "data"
    demolish(parent / "data")
    shutil.rmtree(parent)


@pytest.fixture
def installation(data_dir):
    found = Installation(data_dir)
    yield found
    found.end()


def test_it_serves_says_how_to_sign_in_and_stops(installation):
    process = installation.begin()

    assert installation.get("/healthz") == (200, {"status": "ok"})
    assert installation.get("/readyz") == (200, {"status": "ready"})
    eventually(
        lambda: installation.says("celery@"), lambda: f"no worker: {installation.text}"
    )
    assert f"http://localhost:{installation.port}/" in installation.text
    people = json.loads((installation.data_dir / "demo.json").read_text())["users"]
    for person in people:
        assert person["username"] in installation.text
        assert person["password"] not in installation.text
        assert (person["totp_secret"] or "no secret") not in installation.text
    assert (installation.data_dir / "beat").is_dir()
    for name in ("demo.json", "secrets.json", "credentials.json"):
        mode = (installation.data_dir / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, name

    with outage(installation.data_dir, "postgres"):
        status, body = installation.get("/readyz")
        assert (status, body["code"]) == (503, "not_ready")
        assert body["failing"][:2] == ["database", "migrations"]
        assert installation.get("/healthz")[0] == 200
    assert installation.get("/readyz")[0] == 200

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=15) == 0, installation.text
    assert installation.processes() == []
    assert "Stopped." in installation.text


@pytest.mark.parametrize(
    "name", ["gunicorn", pytest.param("beat", marks=pytest.mark.prove)]
)
def test_it_ends_with_an_error_when_a_part_dies(installation, name):
    process = installation.begin()

    for pid in installation.processes(name):
        os.kill(pid, signal.SIGKILL)

    assert process.wait(timeout=15) == 1, installation.text
    assert installation.processes() == []
    part = {"gunicorn": "web"}.get(name, name)
    assert f"because {part} (exit status -9) ended" in installation.text


def test_nothing_is_left_when_it_is_killed(installation):
    process = installation.begin()

    process.kill()

    process.wait()
    eventually(lambda: not installation.processes(), lambda: installation.text)


def test_it_ends_with_the_program_that_started_it(installation):
    shell = (sys.executable, "-c", PARENT)
    parent = installation.begin(through=shell, options=("--with-parent",))

    parent.kill()

    parent.wait()
    eventually(lambda: not installation.processes(), lambda: installation.text)


def test_a_taken_port_is_one_clear_line(installation):
    with socket.socket() as line:
        line.bind(("127.0.0.1", installation.port))
        line.listen()
        with pytest.raises(AssertionError) as refusal:
            installation.begin()

    assert f"Cannot listen on 127.0.0.1 port {installation.port}" in str(refusal.value)
    assert "Traceback" not in str(refusal.value)
    assert installation.process.wait(timeout=10) == 1


def test_production_refuses_it(settings):
    from django.core.management import CommandError, call_command

    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="refused in production"):
        call_command("dev")

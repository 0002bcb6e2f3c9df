"""How the production server starts, and when it does not."""

import importlib
import json
import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from gunicorn.workers.sync import SyncWorker

from chatsec.malformed import write_refusal

SERVER = ["-m", "gunicorn", "-c", "python:chatsec.gunicorn_conf", "chatsec.wsgi"]


def test_a_missing_secret_stops_the_server_with_one_line(tmp_path, settings):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHATSEC_")}
    environment = {
        **kept,
        "CHATSEC_ENV": "production",
        "CHATSEC_DATA_DIR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
    }

    ended = subprocess.run(
        [sys.executable, *SERVER, "--bind", f"unix:{tmp_path}/web.sock"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.count("chatsec: CHATSEC_SECRET_KEY is not set") == 1
    assert "Traceback" not in ended.stderr
    assert "Booting worker" not in ended.stderr


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: <secret>\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"<secret>\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_the_headers_and_no_echo(
    request_bytes, monkeypatch
):
    monkeypatch.setattr(util, "write_error", write_refusal)
    ours, theirs = socket.socketpair()
    config = Config()
    worker = SyncWorker(0, 0, [], None, 30, config, Logger(config))
    with ours, theirs:
        theirs.sendall(request_bytes)
        with pytest.raises(ParseException) as refused:
            next(iter(RequestParser(config, ours, ("127.0.0.1", 1))))
        worker.handle_error(None, ours, ("127.0.0.1", 1), refused.value)
        answer = theirs.recv(65536).decode()

    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 4")
    assert "X-Content-Type-Options: nosniff" in head
    assert "Content-Security-Policy: default-src 'none'" in head
    assert json.loads(body)["code"] == "malformed_request"
    assert "secret" not in answer


@pytest.fixture
def gunicorn_conf(monkeypatch, tmp_path):
    """Return it without what importing it leaves behind: where metrics are counted."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    return importlib.import_module("chatsec.gunicorn_conf")


def test_a_client_that_reads_nothing_keeps_its_thread_for_a_while_only(
    monkeypatch, gunicorn_conf
):
    monkeypatch.setattr(gunicorn_conf, "SEND_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arbiter = SimpleNamespace(LISTENERS=[SimpleNamespace(sock=listener)])
        gunicorn_conf.when_ready(arbiter)
        with socket.create_connection(listener.getsockname()):
            theirs, _ = listener.accept()
            theirs.setblocking(True)  # as the workers do before they answer
            with theirs, pytest.raises(BlockingIOError):
                theirs.sendall(b"x" * 64_000_000)

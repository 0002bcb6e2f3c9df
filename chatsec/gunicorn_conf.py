"""How gunicorn serves chatsec: `gunicorn -c python:chatsec.gunicorn_conf chatsec.wsgi`.

Threads because answers stream: each open stream keeps one. Every value can be changed
with gunicorn's own command line.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from chatsec.malformed import write_refusal

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 16
timeout = 60
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
# Request lines hold ids and cursors, never messages.
limit_request_line = 4094
limit_request_fields = 60
control_socket_disable = True
# How long a client may take nothing of an answer before its thread serves others.
SEND_SECONDS = 60
# Whom to believe about scheme and path is Django's to say (CHATSEC_TRUSTED_PROXIES).
forwarded_allow_ips = ""

_base = Path(__file__).resolve().parent.parent / ".data"
_data_dir = Path(os.environ.get("CHATSEC_DATA_DIR") or _base)
_metrics_dir = Path(
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_data_dir / "metrics"))
)
_metrics_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def on_starting(server: Arbiter) -> None:
    """Stop where settings do not load; forget what an earlier start counted."""
    _refuse_bad_settings()
    shutil.rmtree(_metrics_dir)
    _metrics_dir.mkdir(mode=0o700)


def when_ready(server: Arbiter) -> None:
    """Let no client that stops reading keep its thread for ever.

    Connections inherit it from the socket that accepts them.
    """
    limit = struct.pack("ll", SEND_SECONDS, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def _refuse_bad_settings() -> None:
    """Let a process of its own read them: what this one loads, its workers keep.

    A worker that cannot start for want of a secret is started again without end.
    """
    command = [sys.executable, "-c", "import chatsec.settings"]
    tried = subprocess.run(  # noqa: S603 - our own command
        command, env={**os.environ, "CHATSEC_ENGINES": "off"}, check=False
    )
    if tried.returncode:
        raise SystemExit(tried.returncode)


# What is no HTTP never reaches Django; its refusal carries the same headers.
util.write_error = write_refusal


def child_exit(server: Arbiter, worker: Worker) -> None:
    """Drop the gauges of a process that ended; its counts stay in the sums."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - reads the directory

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

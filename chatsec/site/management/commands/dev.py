"""`manage.py dev`: everything that chatsec is, in one foreground process."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from argparse import ArgumentParser
from http import HTTPStatus
from types import FrameType

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from chatsec.core import outbound
from chatsec.core.errors import DomainError
from chatsec.site.processes import WATCH_SECONDS, Crew, end_with_parent

START_SECONDS = 60
WEB = ("--graceful-timeout", "2", "--log-level", "warning")
# Whoever starts the demo as root, in a container as a rule, knows.
ROOT_WARNING = "You're running the worker with superuser privileges"
WORKER = ("--concurrency=2", "--loglevel=INFO", "--without-gossip", "--without-mingle")
BEAT = ("--loglevel=WARNING", "--pidfile=")


class Command(BaseCommand):
    """Migrates, seeds the demo organisation, then runs web, worker and beat."""

    help = "Run chatsec for development: web, worker and beat; Ctrl-C stops it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take an address to listen on; loopback unless told otherwise."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="end too when the program that started this one is gone (Linux)",
        )

    def handle(self, *args: object, **options: str | int) -> None:
        """Run until a signal, or until one of the three ends."""
        if settings.PRODUCTION:
            raise CommandError(
                "dev is refused in production: see docs/howto/deploy.md."
            )
        host, port = str(options["host"]), int(options["port"])
        _refuse_taken_port(host, port)
        stopping = _stop_on_signal()
        if options["with_parent"]:
            end_with_parent()
        call_command("migrate", verbosity=0, interactive=False)
        call_command("demo", stdout=self.stdout)
        settings.STATIC_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        crew = Crew(self._say)
        dead = None
        try:
            if not stopping.is_set():
                _start_all(crew, host, port)
                dead = self._watch(crew, stopping, (host, port))
        finally:
            crew.stop()
        if dead:
            raise CommandError(f"Stopped, because {dead} ended.")
        self._say("Stopped.")

    def _watch(
        self, crew: Crew, stopping: threading.Event, address: tuple[str, int]
    ) -> str | None:
        """Return what ended by itself, or nothing when we were asked to stop."""
        deadline = time.monotonic() + START_SECONDS
        answered = False
        while not stopping.wait(WATCH_SECONDS):
            if dead := crew.first_dead():
                return dead
            if not answered and (answered := _answers(*address)):
                self._greet(address[1])
            if not answered and time.monotonic() > deadline:
                return "web did not answer in time and"
        return None

    def _greet(self, port: int) -> None:
        from chatsec.demo.people import load_people  # noqa: PLC0415 - after the seed

        names = ", ".join(person.username for person in load_people())
        self._say("")
        self._say(f"chatsec is ready: http://localhost:{port}/ (Ctrl-C stops it)")
        self._say(f"Sign in as {names}.")
        self._say("`make demo-users` shows their passwords and current codes.")
        if settings.CHATSEC_OUTBOX:
            self._say("Mail is not sent but kept: see the page /outbox.")
        self._say("")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _start_all(crew: Crew, host: str, port: int) -> None:
    environment = _environment(port)
    crew.start("web", _web(host, port), environment)
    crew.start("worker", _celery("worker", *WORKER), environment)
    crew.start("beat", _celery("beat", *BEAT, "--schedule", _schedule()), environment)
    crew.read()


def _web(host: str, port: int) -> list[str]:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    server = [sys.executable, "-m", "gunicorn", "-c", "python:chatsec.gunicorn_conf"]
    return [*server, *WEB, "--bind", bind, "chatsec.wsgi"]


def _celery(*arguments: str) -> list[str]:
    python = [sys.executable, "-W", f"ignore:{ROOT_WARNING}"]
    return [*python, "-m", "celery", "--quiet", "-A", "chatsec.celery", *arguments]


def _schedule() -> str:
    """Return where beat remembers what it last ran: with the rest of our data."""
    directory = settings.CHATSEC_DATA_DIR / "beat"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(directory / "schedule")


def _environment(port: int) -> dict[str, str]:
    """Return the children's environment: ours, with what we were told made explicit."""
    return {
        **os.environ,
        "CHATSEC_DATA_DIR": str(settings.CHATSEC_DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "chatsec.settings",
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }


def _stop_on_signal() -> threading.Event:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, stop)
    return stopping


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {host} port {port} ({error.strerror});"
                " choose another one: PORT=8001 make run."
            ) from error


def _answers(host: str, port: int) -> bool:
    """Tell whether a page comes back: the socket is open long before that."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    place = f"[{reachable}]:{port}" if ":" in reachable else f"{reachable}:{port}"
    try:
        answer = outbound.request(
            "GET",
            f"http://{place}/healthz",
            headers={"Host": "localhost"},
            timeout_seconds=2,
            allow=frozenset({place}),
        )
    except DomainError:
        return False
    return answer.status_code == HTTPStatus.OK

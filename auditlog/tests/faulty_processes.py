"""Web processes and workers to be killed: each line on stdin is one more of them.

Set up once and forked for each, so that killing one and having another costs
milliseconds. A process notes in a journal of its own what was acknowledged to it, and
what it says of each act is the request id of the act's events.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import django

if TYPE_CHECKING:
    from uuid import UUID

PAUSE_SECONDS = 0.002
# Less than what an outage leaves behind: the disk is full in the middle of it.
LITTLE_BYTES = 3_000


def main(journals: Path) -> None:
    """Fork a process for each line "role number" and answer with its pid."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsec.settings")
    django.setup()
    from django.db import connections

    connections.close_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        role, number = line.split()
        if not (pid := os.fork()):
            _be(role, journals / number)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _be(role: str, journal: Path) -> NoReturn:
    roles: dict[str, Callable[[Path], None]] = {
        "web": _serve,
        "full": _serve_on_a_full_disk,
        "worker": _work,
        "last": _finish,
    }
    try:
        roles[role](journal)
    finally:
        os._exit(0)


def _serve_on_a_full_disk(journal: Path) -> None:
    from django.conf import settings

    settings.CHATSEC_SPOOL_MAX_BYTES = LITTLE_BYTES
    _serve(journal)


def _serve(journal: Path) -> None:
    """Act until killed; note an act once it was acknowledged."""
    from django.db import Error, connection

    from chatsec.core import context
    from chatsec.core.context import RequestContext
    from chatsec.core.errors import DomainError

    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    acts = [_change, _refuse, _fail, _note]
    for n in range(sys.maxsize):
        act = acts[n % len(acts)]
        name = f"{act.__name__.strip('_')}-{journal.name}-{n}"
        try:
            with context.bound(RequestContext(request_id=name)):
                act(name)
        except (Error, DomainError):
            connection.close()
        else:
            os.write(file, f"{name}\n".encode())
        time.sleep(PAUSE_SECONDS)


def _change(name: str) -> None:
    """Change something and prove it with two events."""
    from django.db import transaction

    with transaction.atomic():
        _business(name)
        _prove()
        _prove()


def _refuse(_name: str) -> None:
    from auditlog import events
    from auditlog.services import record_refusal

    record_refusal(events.AUTHORIZATION_DENIED, outcome="denied")


def _fail(name: str) -> None:
    """Roll back a change with its events, and then tell of it."""
    from django.db import transaction

    try:
        with transaction.atomic():
            _business(name)
            _prove()
            _break()
    except ZeroDivisionError:
        _refuse(name)


def _break() -> NoReturn:
    raise ZeroDivisionError


def _note(_name: str) -> None:
    from auditlog import events
    from auditlog.services import record

    record(events.CHATBOT_QUERY, details={"intent": "faq"})


def _prove() -> UUID:
    from auditlog import events
    from auditlog.services import record

    return record(events.DATA_ACCESS, details={"action": "update"})


def _business(name: str) -> None:
    from django.utils import timezone

    from auditlog.models import Alert

    now = timezone.now()
    Alert.objects.create(
        rule="fault",
        fingerprint=name,
        actor_pseudonym="00000000-0000-7000-8000-000000000000",
        first_at=now,
        last_at=now,
        count=1,
        created_at=now,
    )


def _work(_journal: Path) -> None:
    """Write what waits on disk and seal, until killed."""
    from django.db import Error, connections

    from auditlog.services.replaying import replay_spool
    from auditlog.services.sealer import seal_pending

    while True:
        try:
            replay_spool()
            seal_pending()
        except Error:
            connections.close_all()
        time.sleep(PAUSE_SECONDS)


def _finish(journal: Path) -> None:
    """Do what is left to do, and say what verification found."""
    from auditlog.selectors import dead_records, spooled_records
    from auditlog.services.replaying import replay_spool
    from auditlog.services.sealer import seal_pending
    from auditlog.services.verification import verify_log

    replay_spool()
    seal_pending()
    report = verify_log()
    said = {
        "findings": [str(each) for each in report.findings],
        "waiting": spooled_records(),
        "dead": dead_records(),
    }
    written = journal.with_suffix(".part")
    written.write_text(json.dumps(said))
    written.rename(journal)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

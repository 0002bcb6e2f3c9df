"""What evidence costs: a saved row against the same row with its audit events.

A plain save is measured on our database engine and on Django's own, which a project
without evidence would use; the ratios to both are told.

Beside it django-auditlog, which logs the changed fields of a model by itself (neither
redacted nor encrypted, and in the same transaction).
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import own_engines
from benchmarks.measure import interleaved, report, say
from chatsec.core.errors import Json

ROUNDS: Final = 400
DJANGOS: Final = "save(), Django's own engine"
# Where `make bench` puts what nothing of ours may import.
BASELINES: Final = Path(sys.prefix) / "baselines"
Contenders = dict[str, Callable[[], None]]
DETAILS: Final[dict[str, Json]] = {
    "resource_ids": ["sale_789", "sale_790"],
    "action": "update",
    "reason": "the customer asked for another delivery date",
}


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    own_engines.run("benchmarks.audit_write")


def _measure() -> None:
    own_engines.prepare()
    from django.db import connection, connections

    from chatsec.core import context
    from chatsec.core.context import RequestContext

    _add_djangos_engine()
    somewhere = RequestContext(ip="192.0.2.7", user_agent="Mozilla/5.0 Firefox/140.0")
    with context.bound(somewhere):
        contenders = _contenders()
        for title, commit in (("durable", "on"), ("no wait for the disk", "off")):
            for each in (connection, connections[DJANGOS]):
                with each.cursor() as cursor:
                    wait = "SELECT set_config('synchronous_commit', %s, false)"
                    cursor.execute(wait, [commit])
            samples = interleaved(contenders, rounds=ROUNDS)
            report(f"audited save, {title}", samples, baseline=DJANGOS)
            ours = {name: samples[name] for name in samples if name != DJANGOS}
            report(f"the same beside ours, {title}", ours, baseline="save()")
            one = "save() + 1 event"
            several = {name: samples[name] for name in (one, "save() + 5 events")}
            report(f"events of one request, {title}", several, baseline=one)
            _beside_another_library(commit)


def _add_djangos_engine() -> None:
    """Have the same database reached as by a project without chatsec."""
    from django.db import connections

    engine = {"ENGINE": "django.db.backends.postgresql"}
    connections.databases[DJANGOS] = {**connections.databases["default"], **engine}


def _contenders() -> Contenders:
    from auditlog import events
    from auditlog.services import Target, record
    from auditlog.tests.factories import make_actor

    plain, actor = _make_row(), make_actor()
    target = Target("sales_records", 4711)

    def bare() -> None:
        record(events.DATA_ACCESS, actor=actor, target=target, result_count=2)

    def detailed() -> None:
        record(
            events.DATA_ACCESS,
            actor=actor,
            target=target,
            result_count=2,
            details=DETAILS,
        )

    return {
        DJANGOS: _saving(plain, using=DJANGOS),
        "save()": _saving(plain),
        "save() + 1 event without details": _saving(plain, bare),
        "save() + 1 event": _saving(plain, detailed),
        "save() + 5 events": _saving(plain, *[detailed] * 5),
    }


def _saving(
    row: Any, *then: Callable[[], None], using: str = "default"
) -> Callable[[], None]:
    from django.db import transaction

    def save() -> None:
        with transaction.atomic(using=using):
            row.count += 1
            row.save(using=using)
            for each in then:
                each()

    return save


def _make_row() -> Any:
    from django.utils import timezone

    from auditlog.models import Alert

    now = timezone.now()
    return Alert.objects.create(
        rule="benchmark",
        fingerprint=os.urandom(32).hex(),
        actor_pseudonym="00000000-0000-7000-8000-000000000000",
        first_at=now,
        last_at=now,
        count=1,
        created_at=now,
    )


def _beside_another_library(commit: str) -> None:
    """Measure django-auditlog on the same server: its package has our app's name."""
    if not BASELINES.is_dir():
        say("\ndjango-auditlog is not there to compare with: `make bench` installs it")
        return
    from django.conf import settings

    database = {
        **settings.DATABASES["owner"],
        "ENGINE": "django.db.backends.postgresql",
    }
    database["OPTIONS"] = {
        "options": f"-c search_path=beside -c synchronous_commit={commit}"
    }
    script = Path(__file__).with_name("beside_auditlog.py")
    program = [sys.executable, str(script), str(BASELINES)]
    given = json.dumps({"database": database, "title": commit, "rounds": ROUNDS})
    subprocess.run(program, input=given, text=True, check=True)  # noqa: S603 - our own


if __name__ == "__main__":
    _measure()

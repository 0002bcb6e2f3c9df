"""What evidence costs: a saved row against the same row with its audit event.

Both are one transaction on an embedded server with production durability, started for
the measurement and thrown away after it, because events cannot be deleted.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROUNDS = 300
PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure in a process of its own, on engines of its own."""
    parent = Path(tempfile.mkdtemp(prefix="cb-"))
    # The server may run as another account, which has to get there.
    parent.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    env = {
        **kept,
        "CHATSEC_DATA_DIR": str(parent / "data"),
        "CHATSEC_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "chatsec.settings",
    }
    program = [sys.executable, "-m", "benchmarks.audit_write"]
    try:
        subprocess.run(program, cwd=PROJECT, env=env, check=True)  # noqa: S603 - this very module
    finally:
        # Stopped before its files go: a server without files is stopped by nobody.
        stop = [sys.executable, "-m", "chatsec.embedded", "stop", str(parent / "data")]
        subprocess.run(stop, cwd=PROJECT, env=env, check=False)  # noqa: S603 - our own
        shutil.rmtree(parent, ignore_errors=True)


def _measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.measure import interleaved, report

    call_command("migrate", verbosity=0, skip_checks=True)
    samples = interleaved(_contenders(), rounds=ROUNDS)
    report("audited save, durable", samples, baseline="save()")
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    samples = interleaved(_contenders(), rounds=ROUNDS)
    report("audited save, no wait for the disk", samples, baseline="save()")


def _contenders() -> dict[str, Callable[[], None]]:
    from django.db import transaction
    from django.utils import timezone

    from auditlog import events
    from auditlog.models import Alert
    from auditlog.services import Target, record
    from auditlog.tests.factories import make_actor

    now = timezone.now()
    plain = Alert.objects.create(
        rule="benchmark",
        fingerprint=os.urandom(32).hex(),
        actor_pseudonym="00000000-0000-7000-8000-000000000000",
        first_at=now,
        last_at=now,
        count=1,
        created_at=now,
    )
    actor, target = make_actor(), Target("sales_records", 4711)

    def save() -> None:
        with transaction.atomic():
            plain.count += 1
            plain.save()

    def save_and_record() -> None:
        with transaction.atomic():
            plain.count += 1
            plain.save()
            record(events.DATA_ACCESS, actor=actor, target=target, result_count=1)

    def save_and_record_details() -> None:
        with transaction.atomic():
            plain.count += 1
            plain.save()
            record(
                events.DATA_ACCESS,
                actor=actor,
                target=target,
                details={
                    "resource_ids": ["sale_789", "sale_790"],
                    "action": "update",
                    "reason": "the customer asked for another delivery date",
                },
                result_count=2,
            )

    return {
        "save()": save,
        "save() + record()": save_and_record,
        "save() + record(), details sealed": save_and_record_details,
    }


if __name__ == "__main__":
    _measure()

"""A log that is dumped and loaded into another database cluster stays verifiable."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from psycopg2 import sql

from auditlog.tests.durable_cluster import durable_cluster, environment
from chatsec.embedded import describe

# Both machines have the sealer's key, as a restored installation has it.
KEY = f"moved:{base64.b64encode(bytes(range(32))).decode()}"
TABLES = ["auditlog_event", "auditlog_seal", "auditlog_anchor"]
DUMP = "COPY (SELECT {names} FROM {table}) TO STDOUT"
LOAD = "COPY {table} ({names}) FROM STDIN"
BEFORE = """
for n in range(50):
    record(events.DATA_ACCESS, details={"action": "read"}, result_count=n)
seal_pending()
for n in range(3):
    record(events.CHATBOT_QUERY)
"""
AFTER = """
seal_pending()
late = record(events.CHATBOT_QUERY)
seal_pending()
"""
PROGRAM = """
import json, django
django.setup()
from auditlog import events
from auditlog.models import Event, Seal
from auditlog.services import record
from auditlog.services.sealer import seal_pending
from auditlog.services.verification import verify_log
{work}
report = verify_log()
print(json.dumps({{
    "findings": [str(each) for each in report.findings],
    "events": report.events,
    "epochs": sorted(set(Event.objects.values_list("epoch", flat=True))),
    "kinds": sorted(set(Seal.objects.values_list("kind", flat=True))),
}}))
"""


def run(place: Path, work: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work)],
        cwd=settings.BASE_DIR,
        env={**environment(place), "CHATSEC_SEAL_KEYS": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def move(one: Path, other: Path) -> None:
    """Copy the log as a dump has it: every column, the transaction ids as well."""
    urls = [describe(place, durable=True).owner.url() for place in (one, other)]
    source, target = (psycopg2.connect(url) for url in urls)
    for table in TABLES:
        names = columns_of(source, table)
        content = io.StringIO()
        with source.cursor() as cursor:
            cursor.copy_expert(spelled(DUMP, table, names), content)
        content.seek(0)
        with target.cursor() as cursor:
            cursor.copy_expert(spelled(LOAD, table, names), content)
    target.commit()
    for each in (source, target):
        each.close()


def columns_of(connection: Any, table: str) -> sql.Composable:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attname",
            [table],
        )
        return sql.SQL(", ").join(sql.Identifier(name) for (name,) in cursor)


def spelled(form: str, table: str, names: sql.Composable) -> sql.Composed:
    return sql.SQL(form).format(table=sql.Identifier(table), names=names)


@pytest.mark.prove
def test_a_log_that_moved_is_as_sealed_and_goes_on(django_db_setup: None) -> None:
    with durable_cluster() as one, durable_cluster() as other:
        before = run(one, BEFORE)
        move(one, other)
        after = run(other, AFTER)

    # What was not sealed when the log moved is sealed by the new cluster first.
    assert (before["findings"], before["events"]) == ([], 50)
    assert (after["findings"], after["events"]) == ([], 54)
    assert after["epochs"] == [1, 2]
    assert {"swept", "epoch"} <= set(after["kinds"])

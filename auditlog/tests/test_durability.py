"""What was acknowledged is there after the database server was killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings

from auditlog.tests.durable_cluster import durable_cluster, environment
from chatsec.embedded import describe
from chatsec.embedded.outage import outage


@pytest.fixture
def data_dir(django_db_setup: None) -> Iterator[Path]:
    """A directory with engines of its own, set up for production durability."""
    with durable_cluster() as place:
        yield place


@pytest.mark.parametrize(
    ("writes", "kills"), [(60, 2), pytest.param(1000, 5, marks=pytest.mark.prove)]
)
def test_no_acknowledged_event_is_lost(data_dir: Path, writes: int, kills: int) -> None:
    env = environment(data_dir)
    command = [sys.executable, "-m", "auditlog.tests.durable_writer", str(writes)]

    acknowledged: list[str] = []
    killed_after = {writes * each // (kills + 1) for each in range(1, kills + 1)}
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=env, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            acknowledged.append(line.strip())
            if len(acknowledged) in killed_after:
                with outage(data_dir, "postgres", durable=True, crash=True):
                    pass

    stored = stored_event_ids(data_dir)
    assert len(acknowledged) == len(set(acknowledged)) == writes
    assert set(acknowledged) <= stored


def stored_event_ids(data_dir: Path) -> set[str]:
    connection = psycopg2.connect(describe(data_dir, durable=True).app.url())
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)
            cursor.execute("SHOW fsync")
            assert cursor.fetchone() == ("on",)
            cursor.execute("SELECT event_id::text FROM auditlog_event")
            return {event_id for (event_id,) in cursor.fetchall()}
    finally:
        connection.close()

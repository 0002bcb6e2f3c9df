"""What was acknowledged is there after the database server was killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings

from chatsec.embedded import describe
from chatsec.embedded.outage import outage
from chatsec.embedded.tests.users import User, demolish


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory with engines of its own, set up for production durability."""
    parent = Path(tempfile.mkdtemp(prefix="ca-", dir="/tmp"))
    parent.chmod(0o755)
    place = parent / "data"
    with User(place):
        yield place
    demolish(place)
    shutil.rmtree(parent)


def environment(data_dir: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    return {
        **kept,
        "CHATSEC_DATA_DIR": str(data_dir),
        "CHATSEC_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "chatsec.settings",
        "CHATSEC_ENGINES": "on",
    }


@pytest.mark.parametrize(
    ("writes", "kills"), [(60, 2), pytest.param(1000, 5, marks=pytest.mark.prove)]
)
def test_no_acknowledged_event_is_lost(data_dir: Path, writes: int, kills: int) -> None:
    env = environment(data_dir)
    manage = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
    subprocess.run(manage, cwd=settings.BASE_DIR, env=env, check=True)
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

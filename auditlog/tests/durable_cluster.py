"""Engines of a test's own, set up as in production: what they acknowledge is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from chatsec.embedded import Connection, describe
from chatsec.embedded.accounts import Account
from chatsec.embedded.binaries import postgres_bin
from chatsec.embedded.tests.users import WORKSHOP, User, demolish
from tests.database import TEMPLATE


@contextmanager
def durable_cluster() -> Iterator[Path]:
    """Have a migrated database in a directory that nobody else uses.

    It is a copy of the tests' template (`django_db_setup`): to migrate took much
    longer. What a killed server leaves is the same where files are in memory.
    """
    parent = Path(tempfile.mkdtemp(prefix="ca-", dir=WORKSHOP))
    parent.chmod(0o755)
    place = parent / "data"
    with User(place):
        _copy_template(place)
        yield place
    demolish(place)
    shutil.rmtree(parent)


def _copy_template(place: Path) -> None:
    """Load the template into the new cluster, each object with its owner and rights."""
    tests = describe(settings.CHATSEC_DATA_DIR, durable=False).superuser
    made = describe(place, durable=True)
    dump = _program("pg_dump", tests, TEMPLATE)
    quick = ["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull]
    load = _program("psql", made.superuser, made.app.dbname, *quick)
    with subprocess.Popen(dump, stdout=subprocess.PIPE) as dumping:
        subprocess.run(load, check=True, stdin=dumping.stdout)
    assert dumping.returncode == 0


def _program(name: str, server: Connection, database: str, *options: str) -> list[str]:
    programs = postgres_bin(Account(os.getuid(), os.getgid()))
    return [
        f"{programs}/{name}",
        *options,
        f"--dbname={replace(server, dbname=database).url()}",
    ]


def environment(data_dir: Path) -> dict[str, str]:
    """Return the environment of a process that works there."""
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    return {
        **kept,
        "CHATSEC_DATA_DIR": str(data_dir),
        "CHATSEC_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "chatsec.settings",
        "CHATSEC_ENGINES": "on",
    }

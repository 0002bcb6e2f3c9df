"""A measurement on engines of its own, which are thrown away after it.

Events cannot be deleted, and a server with production durability is what is measured.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

PROJECT = Path(__file__).resolve().parent.parent


def run(module: str, **settings: str) -> None:
    """Run the module as a program, on engines that are started for it and stopped."""
    parent = Path(tempfile.mkdtemp(prefix="cb-"))
    # The server may run as another account, which has to get there.
    parent.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    env = {
        **kept,
        "CHATSEC_DATA_DIR": str(parent / "data"),
        "CHATSEC_ENV": "development",
        "CHATSEC_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "chatsec.settings",
        **settings,
    }
    program = [sys.executable, "-m", module]
    try:
        subprocess.run(program, cwd=PROJECT, env=env, check=True)  # noqa: S603 - our own
    finally:
        # Stopped before its files go: a server without files is stopped by nobody.
        stop = [sys.executable, "-m", "chatsec.embedded", "stop", str(parent / "data")]
        subprocess.run(stop, cwd=PROJECT, env=env, check=False)  # noqa: S603 - our own
        shutil.rmtree(parent, ignore_errors=True)


def prepare() -> None:
    """Set Django up on the new engines, with every table."""
    import django  # noqa: PLC0415 - the settings are chosen by now

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - needs the set-up

    call_command("migrate", verbosity=0, skip_checks=True)


@contextmanager
def superuser() -> Iterator[Cursor]:
    """Give a cursor of the one who may change the server's settings."""
    from django.conf import settings  # noqa: PLC0415 - the settings are chosen by now

    from chatsec.embedded.engines import describe  # noqa: PLC0415 - for Django's sake

    found = describe(settings.CHATSEC_DATA_DIR).superuser.django()
    connection = psycopg2.connect(
        dbname=found["NAME"],
        user=found["USER"],
        password=found["PASSWORD"],
        host=found["HOST"],
    )
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()

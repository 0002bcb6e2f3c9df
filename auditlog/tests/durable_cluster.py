"""Engines of a test's own, set up as in production: what they acknowledge is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from chatsec.embedded.tests.users import User, demolish


@contextmanager
def durable_cluster() -> Iterator[Path]:
    """Have a migrated database in a directory that nobody else uses."""
    parent = Path(tempfile.mkdtemp(prefix="ca-", dir="/tmp"))
    parent.chmod(0o755)
    place = parent / "data"
    with User(place):
        manage = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
        env = environment(place)
        subprocess.run(manage, check=True, cwd=settings.BASE_DIR, env=env)
        yield place
    demolish(place)
    shutil.rmtree(parent)


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

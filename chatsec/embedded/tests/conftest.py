import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chatsec.embedded import Engines, describe
from chatsec.embedded.tests.users import WORKSHOP, User, demolish


@pytest.fixture(scope="session")
def parent() -> Iterator[Path]:
    """A directory that every account may pass through, as /home or /srv is."""
    path = Path(tempfile.mkdtemp(prefix="ce-", dir=WORKSHOP))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def shared(parent: Path) -> Iterator[tuple[Path, Engines]]:
    """One running pair of engines for tests that break nothing."""
    data_dir = parent / "shared"
    with User(data_dir):
        yield data_dir, describe(data_dir)
    demolish(data_dir)


@pytest.fixture
def fresh_dir(parent: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(dir=parent))
    path.chmod(0o755)
    yield path / "data"
    for known in path.rglob("credentials.json"):
        demolish(known.parent)


@pytest.fixture
def data_dir(fresh_dir: Path) -> Path:
    return fresh_dir


@pytest.fixture
def start(data_dir: Path) -> Iterator[Callable[[], User]]:
    users: list[User] = []

    def begin() -> User:
        users.append(User(data_dir))
        return users[-1]

    yield begin
    for user in users:
        user.leave()


@pytest.fixture(scope="session")
def common_python() -> str:
    """An interpreter that the account `nobody` may run."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for name in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")):
        command = [str(name), "-c", "import psycopg2"]
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with suppress(OSError):
            done = subprocess.run(
                command,
                user="nobody",
                env=environment,
                capture_output=True,
                cwd="/",
                check=False,
            )
            if done.returncode == 0:
                return str(name)
    pytest.skip("no Python that an ordinary user may run")

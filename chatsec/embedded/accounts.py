"""As whom the engines run: PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatsec.embedded.errors import EngineError
from chatsec.embedded.places import Place, holder

ACCOUNT = "chatsec"
SPARE_ACCOUNT = "nobody"


@dataclass(frozen=True)
class Account:
    """The system account that owns the engines' files and processes."""

    uid: int
    gid: int

    @property
    def is_self(self) -> bool:
        """Tell whether this process already is that account."""
        return self.uid == os.getuid()

    def run(
        self,
        command: Sequence[str],
        *,
        text: str = "",
        keep: Sequence[int] = (),
        password: str = "",
        cwd: Path = Path("/"),
    ) -> subprocess.CompletedProcess[str]:
        """Run the command as this account, in a session of its own.

        A terminal's Ctrl-C reaches a whole process group: an engine that shared ours
        would be stopped in the middle of its work. The environment is not handed on,
        because libpq and PostgreSQL read a dozen variables from it.
        """
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": "/"}
        if password:
            environment["PGPASSWORD"] = password
        other = not self.is_self
        return subprocess.run(  # noqa: S603 - our own binaries and paths
            list(command),
            input=text,
            capture_output=True,
            text=True,
            cwd=cwd,
            env=environment,
            start_new_session=True,
            pass_fds=keep,
            check=False,
            user=self.uid if other else None,
            group=self.gid if other else None,
            extra_groups=[] if other else None,
        )

    def make_directory(self, path: Path) -> None:
        """Make the directory this account's own and closed to everybody else."""
        path.mkdir(mode=0o700, exist_ok=True)
        if not self.is_self and path.lstat().st_uid == os.getuid():
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        known = path.lstat()
        if path.is_symlink() or known.st_uid != self.uid:
            raise EngineError(f"{path} belongs to somebody else; remove it.")
        path.chmod(0o700)


def account_of(place: Place) -> Account:
    """Return the account for these engines; it can reach their home afterwards."""
    if os.getuid() != 0:
        return Account(os.getuid(), os.getgid())
    if place.pgdata.is_dir():
        known = place.pgdata.stat()
        return Account(known.st_uid, known.st_gid)
    owner = holder(place.root)
    return Account(*owner) if owner[0] != 0 else _service_account()


def open_way(place: Place, account: Account) -> None:
    """Let the account pass through our own directories; never touch their parents."""
    if account.is_self or holder(place.root)[0] == account.uid:
        return
    if place.home == place.root:
        ours = [place.root] if place.durable else [place.root.parent, place.root]
    else:
        place.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        ours = [place.home.parent, place.home]
    for directory in ours:
        directory.chmod(directory.stat().st_mode | 0o111)


def _service_account() -> Account:
    """Return the account `chatsec`, made when the system lets us, or `nobody`."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if useradd and not _find_account(ACCOUNT):
        options = "--system --no-create-home --home-dir /nonexistent --user-group"
        command = [useradd, *options.split(), "--shell", "/usr/sbin/nologin", ACCOUNT]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - fixed
    found = _find_account(ACCOUNT) or _find_account(SPARE_ACCOUNT)
    if not found:
        raise EngineError(
            "PostgreSQL does not run as root and there is no account for it:"
            f" create a system account named {ACCOUNT}."
        )
    return found


def _find_account(name: str) -> Account | None:
    try:
        known = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(known.pw_uid, known.pw_gid)

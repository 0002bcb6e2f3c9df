"""Where the engines of one data directory live, and as whom they run."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from chatsec.embedded.errors import EngineError

# sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
# libpq splits a host at commas, and a URL has its own ideas about the rest.
_SOCKET_PATH = re.compile(r"[A-Za-z0-9/._+-]{1,100}")
SOCKET_ROOT = Path("/tmp")  # noqa: S108 - only the parent of a 0700 directory
SYSTEM_ROOT = Path("/var/lib/chatsec")
# A file system in memory, where there is one. Tests copy databases of 1,200 small
# files: a second of processor time each on some disks, a twentieth of it here.
MEMORY_ROOT = Path("/dev/shm")  # noqa: S108 - only the parent of a 0700 directory
MEMORY_BYTES = 1 << 30
LOGINS = (
    "postgres",
    "chatsec_owner",
    "chatsec_app",
    "chatsec_retention",
    "chatsec_business_ro",
    "chatsec_business_owner",
    "valkey",
)


@dataclass(frozen=True)
class Place:
    """Every path of one pair of engines, and the passwords that open them."""

    root: Path
    home: Path
    run: Path
    durable: bool
    passwords: dict[str, str] = field(repr=False)

    @property
    def is_in_memory(self) -> bool:
        """Tell whether the data is thrown away with the last user."""
        return self.home.parent == MEMORY_ROOT

    @property
    def pgdata(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "pg"

    @property
    def valkey_dir(self) -> Path:
        """Valkey's data directory."""
        return self.home / "valkey"

    @property
    def postgres_socket(self) -> Path:
        """The socket that PostgreSQL answers on."""
        return self.run / ".s.PGSQL.5432"

    @property
    def valkey_socket(self) -> Path:
        """The socket that Valkey answers on."""
        return self.run / "valkey.sock"

    @property
    def postgres_lock(self) -> Path:
        """The lock that every process of the PostgreSQL server holds."""
        return self.root / "postgres.lock"

    @property
    def valkey_lock(self) -> Path:
        """The lock that the Valkey server holds."""
        return self.root / "valkey.lock"

    @property
    def roles_mark(self) -> Path:
        """Names the role definitions that this cluster has been brought to."""
        return self.root / "roles.done"


def locate(data_dir: Path, *, durable: bool) -> Place:
    """Return the place of the engines; its passwords are on disk afterwards."""
    base = data_dir.resolve()
    root = base if durable else base / "test"
    _make_root(base)
    _make_root(root)
    known = _identity(root, base, durable=durable)
    home = Path(known.home) if known.home else root
    run = home / "run"
    if not _SOCKET_PATH.fullmatch(str(run / ".s.PGSQL.5432")):
        # The random part keeps another account from taking the name first.
        run = SOCKET_ROOT / f"chatsec-{known.id}"
    return Place(root, home, run, durable, known.passwords)


def has_memory() -> bool:
    """Tell whether there is room for engines in memory."""
    try:
        known = os.statvfs(MEMORY_ROOT)
    except OSError:
        return False
    free = known.f_bavail * known.f_frsize
    return free >= MEMORY_BYTES and os.access(MEMORY_ROOT, os.W_OK | os.X_OK)


def is_open_to_all(path: Path) -> bool:
    """Tell whether every account may pass through this directory's parents."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)


def write_private(
    path: Path, text: str, *, owner: tuple[int, int] | None = None
) -> None:
    """Replace the file as a whole; nobody but its owner can read it at any moment."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        if os.getuid() == 0:
            os.fchown(file.fileno(), *holder(path.parent))
    draft.replace(path)


def holder(root: Path) -> tuple[int, int]:
    """Return whose directory this is: what root makes in it is given to him."""
    known = root.stat()
    return known.st_uid, known.st_gid


@dataclass(frozen=True)
class _Identity:
    id: str
    home: str
    passwords: dict[str, str]


def _identity(root: Path, base: Path, *, durable: bool) -> _Identity:
    path = root / "credentials.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = _new_identity(path, base, durable=durable)
    except PermissionError as error:
        raise EngineError(_unusable(root)) from error
    try:
        found = _Identity(**json.loads(text))
        if set(LOGINS) <= set(found.passwords):
            return found
    except (TypeError, ValueError, AttributeError):
        pass
    raise EngineError(f"{path} is damaged; restore it from a backup.")


def _new_identity(path: Path, base: Path, *, durable: bool) -> str:
    """Write the first credentials; of two starters at once, one wins for both."""
    name = secrets.token_hex(8)
    draft = path.with_name(f".credentials.{name}")
    identity = {
        "id": name,
        "home": _home(name, base, durable=durable),
        "passwords": {login: secrets.token_urlsafe(32) for login in LOGINS},
    }
    write_private(draft, json.dumps(identity))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="utf-8")


def _home(name: str, base: Path, *, durable: bool) -> str:
    """Return where the engines' files are to be, or nothing for the root itself."""
    if not durable and has_memory():
        return str(MEMORY_ROOT / f"chatsec-{name}")
    return str(SYSTEM_ROOT / name) if _needs_system_home(base) else ""


def _needs_system_home(base: Path) -> bool:
    """Tell whether root's directory is closed to the account of the engines."""
    return os.getuid() == 0 and holder(base)[0] == 0 and not is_open_to_all(base)


def _make_root(path: Path) -> None:
    try:
        if not path.is_dir():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.getuid() == 0 and path.name == "test":
                os.chown(path, *holder(path.parent))
    except OSError as error:
        raise EngineError(_unusable(path)) from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise EngineError(_unusable(path))


def _unusable(path: Path) -> str:
    return (
        f"The data directory {path} cannot be used by this account;"
        " set CHATSEC_DATA_DIR to a directory of your own."
    )

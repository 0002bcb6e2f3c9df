"""Start both engines when needed, and say how to sign in to them."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from chatsec.embedded.errors import EngineError
from chatsec.embedded.places import Place, locate

__all__ = ["Connection", "EngineError", "Engines", "describe", "ensure_running"]


@dataclass(frozen=True)
class Connection:
    """How one role signs in to one database."""

    user: str
    password: str = field(repr=False)
    host: str
    dbname: str

    def django(self) -> dict[str, str]:
        """Return it as an entry of Django's DATABASES."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": self.dbname,
            "USER": self.user,
            "PASSWORD": self.password,
            "HOST": self.host,
            "PORT": "5432",
        }

    def url(self) -> str:
        """Return it as a URL for libpq and psycopg2."""
        return f"postgresql://{self._rest()}"

    def sqlalchemy_url(self) -> str:
        """Return it as a URL for SQLAlchemy, which has to be told the driver."""
        return f"postgresql+psycopg2://{self._rest()}"

    def _rest(self) -> str:
        host = quote(self.host, safe="/")
        return f"{self.user}:{quote(self.password, safe='')}@/{self.dbname}?host={host}"


@dataclass(frozen=True)
class Engines:
    """Both engines of one data directory."""

    owner: Connection
    app: Connection
    retention: Connection
    business: Connection
    business_owner: Connection
    superuser: Connection
    valkey_socket: str
    valkey_password: str = field(repr=False)

    def cache_url(self, db: int) -> str:
        """Return the URL of one Valkey database for redis-py and Django's cache."""
        return f"unix://{self._valkey()}?db={db}"

    def _valkey(self) -> str:
        password = quote(self.valkey_password, safe="")
        return f":{password}@{quote(self.valkey_socket, safe='/')}"


_guard = threading.Lock()
_leashes: dict[Path, int] = {}


def describe(data_dir: Path, *, durable: bool = True) -> Engines:
    """Return how to sign in; nothing is started, the passwords exist afterwards."""
    _refuse_windows()
    return _engines(locate(data_dir, durable=durable))


def ensure_running(data_dir: Path, *, durable: bool = True) -> Engines:
    """Return engines that answer, and that run for as long as this process lives.

    The tie is a shared lock that the kernel drops with the process, however it ends;
    forked children share it. The keeper stops the engines when nobody holds it.
    """
    _refuse_windows()
    place = locate(data_dir, durable=durable)
    with _guard:
        _hold_leash(place)
        _bring_up(place)
    return _engines(place)


def _bring_up(place: Place) -> None:
    from chatsec.embedded import keeper, locks  # noqa: PLC0415 - not on Windows

    if not keeper.is_up(place):
        with locks.held(keeper.start_lock(place)):
            if not keeper.is_up(place):
                keeper.bring_up(place)
    keeper.employ(place)


def _hold_leash(place: Place) -> None:
    from chatsec.embedded import keeper, locks  # noqa: PLC0415 - not on Windows

    path = keeper.leash_path(place)
    held = _leashes.get(path)
    if held is not None and keeper.is_same_file(held, path):
        return
    if held is not None:
        os.close(_leashes.pop(path))
    leash = locks.open_lock(path)
    locks.take(leash, "shared")
    if not keeper.is_same_file(leash, path):
        os.close(leash)
        raise EngineError(f"{place.root} was removed while the engines started.")
    _leashes[path] = leash


def _engines(place: Place) -> Engines:
    def role(user: str, dbname: str) -> Connection:
        return Connection(user, place.passwords[user], str(place.run), dbname)

    return Engines(
        owner=role("chatsec_owner", "chatsec"),
        app=role("chatsec_app", "chatsec"),
        retention=role("chatsec_retention", "chatsec"),
        business=role("chatsec_business_ro", "demo_business"),
        business_owner=role("chatsec_business_owner", "demo_business"),
        superuser=role("postgres", "postgres"),
        valkey_socket=str(place.valkey_socket),
        valkey_password=place.passwords["valkey"],
    )


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise EngineError(
            "chatsec does not start its own engines on Windows: set DATABASE_URL,"
            " DATABASE_OWNER_URL, DATABASE_RETENTION_URL, BUSINESS_DATABASE_URL and"
            " REDIS_URL, or use WSL."
        )

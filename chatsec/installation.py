"""The secrets of this installation: named in the environment, else generated.

A production start without one of them stops with a line that names the variable.
Elsewhere they are made once and kept in `<data dir>/secrets.json`, mode 0600.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KEY_BYTES = 32


class MissingSetting(SystemExit):
    """A variable that production needs is absent or malformed."""

    def __init__(self, name: str, why: str = "is not set") -> None:
        super().__init__(f"chatsec: {name} {why}")


@dataclass(frozen=True)
class Secrets:
    """Every secret of the installation, decoded."""

    secret_key: str
    data_key: bytes
    key_encryption_keys: Mapping[int, bytes]
    token_keys: Mapping[str, bytes]
    # Ed25519 seeds; empty in a process that does not seal the audit log.
    seal_keys: Mapping[str, bytes]


NAMES = (
    "CHATSEC_SECRET_KEY",
    "CHATSEC_DATA_KEY",
    "CHATSEC_KEY_ENCRYPTION_KEYS",
    "CHATSEC_TOKEN_KEYS",
)
# The worker that seals the audit log needs them; web processes are better without.
OPTIONAL = ("CHATSEC_SEAL_KEYS",)


def load(environ: Mapping[str, str], data_dir: Path, *, environment: str) -> Secrets:
    """Return the installation's secrets; raise MissingSetting in production."""
    values = {name: environ.get(name, "") for name in (*NAMES, *OPTIONAL)}
    absent = [name for name in NAMES if not values[name]]
    if absent and environment == "production":
        raise MissingSetting(absent[0])
    if absent:
        values = {**_kept(data_dir / "secrets.json"), **_given(values)}
    return _decoded(values)


def _given(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _kept(path: Path) -> dict[str, str]:
    """Return the generated secrets, making them once even if two starters race."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (path.parent / "secrets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            kept: dict[str, str] = json.loads(path.read_text())
            if kept.keys() >= {*NAMES, *OPTIONAL}:
                return kept
            return _keep(path, {**generated(), **kept})
        return _keep(path, generated())


def _keep(path: Path, values: dict[str, str]) -> dict[str, str]:
    # Written aside and renamed: a crash leaves the old file or the new one.
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return values


def generated() -> dict[str, str]:
    """Return fresh random values for every secret, in the environment's form."""
    return {
        "CHATSEC_SECRET_KEY": secrets.token_urlsafe(48),
        "CHATSEC_DATA_KEY": _random_key(),
        "CHATSEC_KEY_ENCRYPTION_KEYS": f"1:{_random_key()}",
        "CHATSEC_TOKEN_KEYS": f"k1:{_random_key()}",
        "CHATSEC_SEAL_KEYS": f"s1:{_random_key()}",
    }


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _decoded(values: Mapping[str, str]) -> Secrets:
    wrapping = _named_keys(values, "CHATSEC_KEY_ENCRYPTION_KEYS")
    if not all(epoch.isdecimal() for epoch in wrapping):
        raise MissingSetting("CHATSEC_KEY_ENCRYPTION_KEYS", "needs whole numbers")
    return Secrets(
        secret_key=values["CHATSEC_SECRET_KEY"],
        data_key=_key(values["CHATSEC_DATA_KEY"], "CHATSEC_DATA_KEY"),
        key_encryption_keys={int(epoch): key for epoch, key in wrapping.items()},
        token_keys=_named_keys(values, "CHATSEC_TOKEN_KEYS"),
        seal_keys=_named_keys(values, "CHATSEC_SEAL_KEYS")
        if values.get("CHATSEC_SEAL_KEYS")
        else {},
    )


def _named_keys(values: Mapping[str, str], name: str) -> dict[str, bytes]:
    """Parse `label:base64,label:base64`; the order is kept."""
    keys = {}
    for entry in values[name].split(","):
        label, separator, encoded = entry.strip().partition(":")
        if not (label and separator):
            raise MissingSetting(name, "is not of the form label:base64,...")
        keys[label] = _key(encoded, name)
    return keys


def _key(encoded: str, name: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise MissingSetting(name, "is not base64") from error
    if len(key) != KEY_BYTES:
        raise MissingSetting(name, f"must be {KEY_BYTES} bytes, base64")
    return key

"""The secrets of this installation: named in the environment, else generated.

A production start without one of them stops with a line that names the variable.
Elsewhere they are made once and kept in `<data dir>/secrets.json`, mode 0600.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KEY_BYTES = 32
LIMIT = re.compile(r"[0-9]{1,11}")  # a Unix time


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
    # Unix times: from when a key signs, and until when it verifies; 0 = no limit.
    token_key_times: Mapping[str, tuple[int, int]]
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
    token_keys, times = _timed_keys(values["CHATSEC_TOKEN_KEYS"])
    return Secrets(
        secret_key=values["CHATSEC_SECRET_KEY"],
        data_key=_key(values["CHATSEC_DATA_KEY"], "CHATSEC_DATA_KEY"),
        key_encryption_keys={int(epoch): key for epoch, key in wrapping.items()},
        token_keys=token_keys,
        token_key_times=times,
        seal_keys=_named_keys(values, "CHATSEC_SEAL_KEYS")
        if values.get("CHATSEC_SEAL_KEYS")
        else {},
    )


def _timed_keys(value: str) -> tuple[dict[str, bytes], dict[str, tuple[int, int]]]:
    """Parse `kid:base64[:signs from[:verifies until]],...`; the order is kept."""
    name = "CHATSEC_TOKEN_KEYS"
    plain, times = [], {}
    for entry in value.split(","):
        kid, _, rest = entry.strip().partition(":")
        encoded, *limits = rest.split(":")
        if len(limits) > 2 or not all(LIMIT.fullmatch(each) for each in limits):
            raise MissingSetting(name, "is not of the form kid:base64:from:until,...")
        plain.append(f"{kid}:{encoded}")
        signs_from, until = (*map(int, limits), 0, 0)[:2]
        times[kid] = (signs_from, until)
    return _named_keys({name: ",".join(plain)}, name), times


def next_token_keys(value: str, *, signs_from: int, overlap: int, now: int) -> str:
    """Return `CHATSEC_TOKEN_KEYS` with a new key that signs from then on.

    The keys before it verify for `overlap` seconds more, so that no token that they
    signed is refused before its own end; those whose time is over are dropped.
    """
    keys, times = _timed_keys(value)
    until = signs_from + overlap
    kept = []
    for kid, seed in keys.items():
        started, ends = times[kid]
        ends = min(ends or until, until)
        if ends > now:
            encoded = base64.b64encode(seed).decode()
            kept.append(f"{kid}:{encoded}:{started}:{ends}")
    made = f"k{signs_from}-{secrets.token_hex(2)}:{_random_key()}:{signs_from}"
    return ",".join([made, *kept])


def read_kept(data_dir: Path, name: str) -> str:
    """Return a secret that was generated here, or nothing."""
    path = data_dir / "secrets.json"
    return str(json.loads(path.read_text()).get(name, "")) if path.exists() else ""


def replace_kept(data_dir: Path, name: str, value: str) -> None:
    """Put another value in the place of a generated secret, all of it or nothing."""
    path = data_dir / "secrets.json"
    with (data_dir / "secrets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = {**json.loads(path.read_text()), name: value}
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(kept, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


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

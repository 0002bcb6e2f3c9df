"""File locks of the kernel: they end with the process, whatever ends it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from chatsec.embedded.places import holder

Mode = Literal["shared", "exclusive"]
_FLAGS = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX}


def open_lock(path: Path) -> int:
    """Return a descriptor of the lock file; programs started later do not get it."""
    made = not path.exists()
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if made and os.getuid() == 0:
        os.fchown(lock, *holder(path.parent))
    return lock


def take(lock: int, mode: Mode) -> None:
    """Wait until the lock is ours."""
    fcntl.flock(lock, _FLAGS[mode])


def try_take(lock: int, mode: Mode) -> bool:
    """Take the lock if nobody is in the way, and say so."""
    with suppress(BlockingIOError):
        fcntl.flock(lock, _FLAGS[mode] | fcntl.LOCK_NB)
        return True
    return False


def take_soon(lock: int) -> bool:
    """Take the lock alone, unless somebody keeps it for longer than a look."""
    for _ in range(20):
        if try_take(lock, "exclusive"):
            return True
        time.sleep(0.01)
    return False


def release(lock: int) -> None:
    """Give the lock back; the descriptor stays open."""
    fcntl.flock(lock, fcntl.LOCK_UN)


def is_held(path: Path) -> bool:
    """Tell whether somebody holds the file's lock alone."""
    if not path.exists():
        return False
    lock = open_lock(path)
    try:
        return not try_take(lock, "shared")
    finally:
        os.close(lock)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file's lock alone for the length of the block."""
    lock = open_lock(path)
    try:
        take(lock, "exclusive")
        yield
    finally:
        os.close(lock)


@contextmanager
def held_if_free(path: Path) -> Iterator[int | None]:
    """Hold the file's lock alone and give its descriptor, or nothing if it is taken.

    A program that inherits the descriptor holds the lock until it is gone: that tells
    for certain whether a server still has its data open.
    """
    lock = open_lock(path)
    try:
        yield lock if take_soon(lock) else None
    finally:
        os.close(lock)
